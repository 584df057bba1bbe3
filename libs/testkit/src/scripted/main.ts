import { pathToFileURL } from 'node:url';
import type { Service } from '@smartlite/chassis';
import { run } from '@smartlite/chassis/run';

// The main module of a service under test: the service as it is, and one more engine, `scripted`. Argument: its service.ts.

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('give the path of a service.ts');
const exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
const service = Object.values(exported).find(
  (value): value is Service<unknown> => typeof value === 'object' && value !== null && 'wire' in value,
);
if (!service) throw new Error(`${file} exports no service`);
await run({ ...service, engines: { ...service.engines, scripted: new URL('./engine.ts', import.meta.url) } });
