import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync, closeSync, readdirSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyArtifacts } from '@smartlite/trust';
import { hashArtifact } from '../../libs/trust/src/artifact/hash.ts';

// One 4 GiB file and 1000 x 1 MiB, both in page cache, against one `openssl dgst -sha256` for each core. The mark is 0.95 of it.

const LARGE_BYTES = 4 * 1024 ** 3;
const SMALL_BYTES = 1024 ** 2;
const SMALL_COUNT = 1_000;
const ROUNDS = 3;
const BLOCK = 64 * 1024 ** 2;
type Manifest = Parameters<typeof verifyArtifacts>[1];

/** `npm run bench verify [FOLDER]`: needs 6 GB there. */
export default async function benchVerify([folder = tmpdir()]: readonly string[]): Promise<void> {
  // As for the command and every service: hashing threads do not compile what is compiled already.
  process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '..', '..', '.smartlite', 'cache');
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < 6 * 1024 ** 3) throw new Error(`${folder}: 6 GB are needed; name another folder`);
  const root = mkdtempSync(join(folder, 'smartlite-bench-'));
  try {
    console.log(
      `${availableParallelism()} cores; ${ROUNDS} rounds, contestants alternate; rates in MB/s, best of the rounds and spread`,
    );
    await compare('one 4 GiB file', root, await large(root));
    rmSync(join(root, 'large'), { recursive: true });
    await compare(`${SMALL_COUNT} x 1 MiB`, root, await small(root));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function compare(what: string, root: string, manifest: Manifest): Promise<void> {
  const bytes = manifest.reduce((sum, { size }) => sum + size, 0);
  const rates = { smartlite: [] as number[], openssl: [] as number[] };
  let rssMax = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const watching = setInterval(() => (rssMax = Math.max(rssMax, process.memoryUsage.rss())), 20);
    rates.smartlite.push(await rateOf(bytes, () => ours(root, manifest)));
    clearInterval(watching);
    // As many openssl as there are cores: on one large file each reads all of it, so together they do `cores` times the work.
    const files = manifest.map(({ path }) => join(root, path));
    const work = files.length === 1 ? Array.from({ length: availableParallelism() }, () => files) : shared(files);
    const factor = files.length === 1 ? availableParallelism() : 1;
    rates.openssl.push(await rateOf(bytes * factor, () => Promise.all(work.map(openssl))));
  }
  const [a, b] = [Math.max(...rates.smartlite), Math.max(...rates.openssl)];
  console.log(`${what}: smartlite ${say(rates.smartlite)}, openssl one per core ${say(rates.openssl)}`);
  console.log(`  ratio ${(a / b).toFixed(3)} (mark for one large file 0.95); resident at most ${Math.round(rssMax / 1e6)} MB`);
}

async function ours(root: string, manifest: Manifest): Promise<void> {
  const { findings } = await verifyArtifacts(root, manifest);
  if (findings.length > 0) throw new Error(`the bench's own files are refused: ${findings[0]?.message}`);
}

function openssl(files: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', ['dgst', '-sha256', ...files], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`openssl ended with ${code}`))));
  });
}

function shared(files: readonly string[]): readonly (readonly string[])[] {
  const cores = availableParallelism();
  return Array.from({ length: cores }, (_, core) => files.filter((_file, index) => index % cores === core));
}

async function rateOf(bytes: number, work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return bytes / 1e6 / ((performance.now() - startedMs) / 1_000);
}

function say(rates: readonly number[]): string {
  return `${Math.round(Math.max(...rates))} (${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))})`;
}

/** Written just now, so in page cache as far as memory goes; the first round reads the rest. */
async function large(root: string): Promise<Manifest> {
  write(root, 'large/data.bin', LARGE_BYTES);
  return [await entryOf(root, 'large', 'large/data.bin', LARGE_BYTES)];
}

async function small(root: string): Promise<Manifest> {
  for (let index = 0; index < SMALL_COUNT; index += 1) write(root, `small/${index}.bin`, SMALL_BYTES);
  const files = readdirSync(join(root, 'small'));
  const manifest: Manifest[number][] = [];
  for (const file of files) manifest.push(await entryOf(root, `s${file}`, `small/${file}`, SMALL_BYTES));
  return manifest;
}

function write(root: string, path: string, size: number): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  const block = Buffer.alloc(Math.min(BLOCK, size), `${path} is no model\n`);
  const file = openSync(join(root, path), 'w');
  for (let at = 0; at < size; at += block.length) writeSync(file, block);
  closeSync(file);
}

async function entryOf(root: string, id: string, path: string, size: number): Promise<Manifest[number]> {
  const { sha256, tree } = await hashArtifact(root, { id, path, size, format: 'data' });
  return { id, path, role: 'weights', format: 'data', size, sha256: sha256.toString('hex'), tree: tree.toString('hex') };
}
