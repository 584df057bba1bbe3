import { run } from '@smartlite/chassis/run';
import { asr } from './service.ts';

await run(asr);
