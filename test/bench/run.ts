// `npm run bench NAME`: measures on this machine. Figures are for people; no test reads them.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sayIdleShare } from './measure.ts';

const NO_BENCH = ['run', 'measure'];
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .filter((name) => !NO_BENCH.includes(name));

const [name = '', ...more] = process.argv.slice(2);
if (!names.includes(name) || !existsSync(join(import.meta.dirname, `${name}.ts`))) {
  console.error(`npm run bench ${name}: there is no such bench. There are: ${names.join(', ')}.`);
  process.exit(2);
}
await sayIdleShare();
const bench = (await import(`./${name}.ts`)) as { readonly default: (words: readonly string[]) => Promise<void> };
await bench.default(more);
