import { mkdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { installPackages } from './packages.mjs';
import { ROOT, STATE } from './place.mjs';
import { prepareRuntime } from './runtime.mjs';
import { requireModels } from './models.mjs';
import { requireTokenLibrary, requireTools, SERVER, TEST_TOOLS } from './tools.mjs';

/**
 * Everything that a fresh clone needs. Each step looks first and does nothing when it is done, so that the second run takes no time and
 * an interrupted one continues. Gives the environment for all children: the pinned Node first on PATH.
 */
export async function setUp({ forTests }) {
  const began = performance.now();
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const env = await prepareRuntime();
  await installPackages(ROOT, { label: 'packages (some hundred MB the first time)', env, megabytes: 1500 });
  const server = process.env.SMARTLITE_NATS_URL && !forTests ? [] : SERVER;
  await requireTools(forTests ? [...server, ...TEST_TOOLS] : server, env);
  if (forTests) await requireTokenLibrary(ROOT, env);
  await requireModels(env);
  console.log(`Set-up complete (${((performance.now() - began) / 1000).toFixed(1)} s).`);
  return env;
}
