import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { installPackages } from './packages.mjs';
import { ROOT, RUNTIME, STATE } from './place.mjs';
import { Problem } from './problem.mjs';

/** First version of Node whose type stripping needs no flag and prints no warning. */
const OLDEST = [24, 12];
/** Debian installs servers there, and an ordinary user's PATH may lack it. */
const SERVER_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];

/** Installs the pinned Node and gives the environment in which everything else runs. */
export async function prepareRuntime() {
  const pinned = `node-${process.platform}-${process.arch}`;
  const folder = join(RUNTIME, 'node_modules', pinned);
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return environment(ownNode(), undefined);
  await installPackages(RUNTIME, { label: 'Node.js 24 for this project', env: plainEnvironment(), megabytes: 250 });
  const node = join(folder, 'bin', 'node');
  if (!existsSync(node))
    throw new Problem(`${node} is missing after the install.`, 'Remove ops/node/node_modules and run the same command again.');
  return environment(dirname(node), folder);
}

function ownNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return dirname(process.execPath);
  const system = `${process.platform}-${process.arch}`;
  throw new Problem(
    `On ${system} Node.js ${OLDEST.join('.')} or newer is needed; this is ${process.versions.node}.`,
    'Install Node.js 24 (https://nodejs.org, or: nvm install 24) and run the same command again.',
  );
}

function environment(bin, headers) {
  return {
    ...plainEnvironment(),
    PATH: [bin, process.env.PATH ?? '', ...SERVER_FOLDERS].join(delimiter),
    NODE_COMPILE_CACHE: join(STATE, 'cache'),
    // Native builds find their headers here, also with an empty HOME.
    ...(headers && { npm_config_nodedir: headers }),
  };
}

/** The caller's environment, without the settings that `npm start` adds and that a nested npm would take for the user's. */
function plainEnvironment() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_(local_prefix|prefix|noproxy|npm_version|node_gyp))/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    ONNXRUNTIME_NODE_INSTALL: 'skip',
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    INIT_CWD: ROOT,
  };
}
