import { run } from '@smartlite/chassis/run';
import { tts } from './service.ts';

await run(tts);
