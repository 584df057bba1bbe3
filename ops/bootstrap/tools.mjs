import { accessSync, constants, existsSync } from 'node:fs';
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
  { command: 'g++', debian: 'g++', why: 'building pkcs11js, by which tests speak to a token' },
  { command: 'make', debian: 'make', why: 'building pkcs11js' },
  { command: 'python3', debian: 'python3', why: 'building pkcs11js' },
  { command: 'chromium', debian: 'chromium', why: 'tests of the console in a real browser' },
  { command: 'setpriv', debian: 'util-linux', why: 'servers that end with their parent' },
];
/** Built when packages are installed where there is a compiler; optional, so that set-up needs none. */
const TOKEN_LIBRARY = 'pkcs11js';

/** Tests sign with a token: builds the library that packages were installed without. */
export async function requireTokenLibrary(root, env) {
  if (existsSync(join(root, 'node_modules', TOKEN_LIBRARY, 'build', 'Release', 'pkcs11.node'))) return;
  const install = ['install', '--no-save', '--no-audit', '--no-fund'];
  const { code, output } = await step(`${TOKEN_LIBRARY}, built here`, () => run('npm', install, { cwd: root, env }));
  if (code !== 0)
    throw new Problem(
      `${TOKEN_LIBRARY} could not be built:\n${output.trim().split('\n').slice(-6).join('\n')}`,
      'Mend what npm names and run the same command again.',
    );
}

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
