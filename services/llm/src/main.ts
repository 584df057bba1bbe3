import { run } from '@smartlite/chassis/run';
import { llm } from './service.ts';

await run(llm);
