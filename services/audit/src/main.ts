import { run } from '@smartlite/chassis/run';
import { audit } from './service.ts';

await run(audit);
