// Where things lie in a checkout. Everything here is dependency-free and runs on Node >= 20, because it runs before anything is installed.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const STATE = process.env.SMARTLITE_HOME ?? join(ROOT, '.smartlite');
export const RUNTIME = join(ROOT, 'ops', 'node');
export const COMMAND = join(ROOT, 'ops', 'cli', 'bin', 'smartlite.mjs');
