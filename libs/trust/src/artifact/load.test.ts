import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../digest.ts';
import { TrustError } from '../finding.ts';
import type { Lock } from '../lock.ts';
import { asVerified } from '../verified.ts';
import { loadArtifact, loadArtifactToPrivateFile } from './load.ts';

/** Some reads long, so that a change falls between them. */
const SIZE = 5_000_000;
const ROUNDS = 40;
const GOOD = Buffer.alloc(SIZE, 'as it was signed\n');
const EVIL = Buffer.alloc(SIZE, 'as it was forged\n');
const lock = asVerified({
  manifest: [{ id: 'a', path: 'a/data.bin', role: 'weights', format: 'data', size: SIZE, sha256: sha256Hex(GOOD), tree: '' }],
} as unknown as Lock);

function store(): { readonly root: string; readonly file: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), 'smartlite-load-'));
  mkdirSync(join(root, 'a'));
  return { root, file: join(root, 'a', 'data.bin'), [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

/** Loads again and again while the file is exchanged; gives the digests of what was handed out. */
async function underExchange(load: (root: string) => Promise<Uint8Array>, exchange: (file: string) => void) {
  using place = store();
  const digests = new Set<string>();
  let refused = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    writeFileSync(place.file, round % 4 === 0 ? EVIL : GOOD);
    const loading = load(place.root).then((bytes) => digests.add(sha256Hex(bytes)), count);
    for (let turn = 0; turn < round % 10; turn += 1) await nextTurn();
    exchange(place.file);
    await loading;
  }
  function count(caught: unknown) {
    if (!(caught instanceof TrustError)) throw caught;
    refused += 1;
  }
  return { digests: [...digests], refused };
}

const rename = (file: string) => {
  writeFileSync(`${file}.new`, EVIL);
  renameSync(`${file}.new`, file);
};
const inPlace = (file: string) => writeFileSync(file, EVIL, { flag: 'r+' });

describe('an artifact that is exchanged while it is loaded', () => {
  it.each([
    ['renamed over', rename],
    ['written in place', inPlace],
  ])('never gives an engine other bytes than those signed: %s', async (_how, exchange) => {
    const bytes = async (root: string) => (await loadArtifact(root, lock, 'a')).bytes;
    const file = async (root: string) => {
      const copy = await loadArtifactToPrivateFile(root, lock, 'a', tmpdir());
      const read = await readFile(copy.path);
      await copy.close();
      return read;
    };
    for (const load of [bytes, file]) {
      const { digests, refused } = await underExchange(load, exchange);
      expect(digests.filter((digest) => digest !== sha256Hex(GOOD))).toEqual([]);
      // At least the rounds that began with the forged bytes.
      expect(refused).toBeGreaterThanOrEqual(ROUNDS / 4);
    }
  });
});
