// Completes package-lock.json after `npm install`. A registry that serves only some platforms' builds makes npm leave the other
// platforms' optional packages out of the lockfile, and `npm ci` then refuses it on those platforms. This adds the missing entries
// as a full registry would, without integrity: they are fetched, and pinned, only where they are used.
// `node ops/lockfix.mjs --check` changes nothing and fails when something is missing.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const SYSTEMS = ['darwin', 'linux', 'win32', 'windows', 'android', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'aix', 'openharmony'];
const PROCESSORS = {
  amd64: 'x64',
  aarch64: 'arm64',
  armv7: 'arm',
  arm: 'arm',
  64: 'x64',
  x64: 'x64',
  arm64: 'arm64',
  ia32: 'ia32',
};
for (const name of ['ppc64', 's390x', 'riscv64', 'loong64', 'wasm32']) PROCESSORS[name] = name;

function present(owner, name) {
  return `node_modules/${name}` in lock.packages || `${owner}/node_modules/${name}` in lock.packages;
}

function entryFor(name, range, owner) {
  const words = name.split(/[/\-_]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = words.map((word) => PROCESSORS[word]).find(Boolean);
  return {
    version: range.replace(/^[\^~]/, ''),
    ...(cpu && { cpu: [cpu] }),
    ...(owner.dev && { dev: true }),
    optional: true,
    ...(os && { os: [os === 'windows' ? 'win32' : os] }),
  };
}

const missing = Object.entries(lock.packages).flatMap(([key, entry]) =>
  key === ''
    ? []
    : Object.entries(entry.optionalDependencies ?? {})
        .filter(([name]) => !present(key, name))
        .map(([name, range]) => [`node_modules/${name}`, entryFor(name, range, entry)]),
);

if (process.argv.includes('--check')) {
  const addresses = Object.values(lock.packages).filter((entry) => /^https?:/.test(entry.resolved ?? '')).length;
  if (missing.length > 0) console.error(`package-lock.json lacks ${missing.length} platform entries: run node ops/lockfix.mjs`);
  if (addresses > 0) console.error(`package-lock.json names a registry ${addresses} times: install with the project's .npmrc`);
  process.exitCode = missing.length + addresses > 0 ? 1 : 0;
} else {
  const packages = { ...lock.packages, ...Object.fromEntries(missing) };
  lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${missing.length} platform entries added`);
}
