import { run } from '@smartlite/chassis/run';
import { budget } from './service.ts';

await run(budget);
