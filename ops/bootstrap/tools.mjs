import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './child.mjs';
import { Problem } from './problem.mjs';
import { step } from './progress.mjs';

/** Programs that are not npm packages: the command that shows one is there, its Debian package, and who needs it. */
export const SERVER = [{ command: 'nats-server', debian: 'nats-server', why: 'the message bus' }];
export const TEST_TOOLS = [
  { command: 'softhsm2-util', debian: 'softhsm2', why: 'tests that sign with a hardware token' },
  { command: 'promtool', debian: 'prometheus', why: 'tests of the alerts' },
  { command: 'strace', debian: 'strace', why: 'tests that count how often an artifact is opened' },
  { command: 'openssl', debian: 'openssl', why: 'tests that check signatures without our code' },
  { command: 'setpriv', debian: 'util-linux', why: 'servers that end with their parent' },
];
/** Another package manager may be at work; wait for it rather than fail. */
const APT_LOCK_SECONDS = 120;

/** Makes sure that each tool is on PATH: installs what is missing as root on Debian, else says the one command. */
export async function requireTools(tools, env) {
  const missing = tools.filter((tool) => !isOnPath(tool.command, env.PATH));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => tool.debian))];
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const needed = missing.map((tool) => `${tool.command} (${tool.why})`).join(', ');
  if (process.getuid?.() !== 0 || !isOnPath('apt-get', env.PATH)) throw new Problem(`Missing: ${needed}.`, advice(command, env));
  await step(`${packages.join(', ')} by apt-get`, () => aptInstall(packages, { command, needed, env }));
  const still = missing.filter((tool) => !isOnPath(tool.command, env.PATH));
  if (still.length > 0)
    throw new Problem(
      `Installed, and still not on PATH: ${still.map((tool) => tool.command).join(', ')}.`,
      'Put its folder on PATH and run the same command again.',
    );
}

function advice(command, env) {
  if (isOnPath('apt-get', env.PATH)) return `Run: sudo ${command}`;
  if (isOnPath('brew', env.PATH)) return 'Run: brew install nats-server';
  return 'Install it with your package manager (nats-server: https://nats.io/download), or let SMARTLITE_NATS_URL name a running NATS.';
}

async function aptInstall(packages, { command, needed, env }) {
  const quiet = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => run('apt-get', ['-o', `DPkg::Lock::Timeout=${APT_LOCK_SECONDS}`, ...args], { env: quiet });
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages);
  // A fresh machine has no package lists; a prepared one works offline without them.
  let outcome = await install();
  if (outcome.code !== 0) {
    await apt('update');
    outcome = await install();
  }
  if (outcome.code !== 0)
    throw new Problem(
      `Missing: ${needed}; apt-get failed:\n${outcome.output.trim().split('\n').slice(-6).join('\n')}`,
      `Go online and run: ${command}`,
    );
}

function isOnPath(command, path = '') {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
