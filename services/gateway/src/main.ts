import { run } from '@smartlite/chassis/run';
import { gateway } from './service.ts';

await run(gateway);
