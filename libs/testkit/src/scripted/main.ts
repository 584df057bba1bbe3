import { flushCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Service } from '@smartlite/chassis';
import { run } from '@smartlite/chassis/run';

// The main module of a service under test: the service as it is, and one more engine, `scripted`. Argument: its service.ts.

// A test may step this process' wall clock, as an administrator or a time server does with a host's; its monotonic clock goes on.
const trueNow = Date.now.bind(Date);
let steppedMs = 0;
Date.now = () => trueNow() + steppedMs;
process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('stepWallClockMs' in message)) return;
  steppedMs += Number(message.stepWallClockMs);
  process.send?.({ kind: 'stepped' });
});

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('give the path of a service.ts');
const exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
const service = Object.values(exported).find(
  (value): value is Service<unknown> => typeof value === 'object' && value !== null && 'wire' in value,
);
if (!service) throw new Error(`${file} exports no service`);
await run({ ...service, engines: { ...service.engines, scripted: new URL('./engine.ts', import.meta.url) } });
// Tests end it by SIGKILL, which leaves no time for it later.
flushCompileCache();
