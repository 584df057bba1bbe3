import { run } from '@smartlite/chassis/run';
import { verifier } from './service.ts';

await run(verifier);
