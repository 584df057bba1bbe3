import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureLocalDomain } from '../domain/local.ts';
import { readLockFile, readPackFile, readTrustFile } from '../verification/read.ts';
import { verifyAll } from '../verification/verify.ts';
import { temporaryPlace } from '../up/fixtures/mesh.ts';
import { artifactOf, packOf } from '../up/fixtures/pack.ts';
import type { Place } from '../up/place.ts';
import { rotateKey } from './change.ts';
import { listKeys } from './keyring.ts';

const NOW = Date.UTC(2030, 0, 1);
/** Holds a domain and little else. */
const DISK_KB = 256;

/** A domain on a disk of its own, which is then filled to its last byte; `free` makes room again. */
async function fullDisk(): Promise<Place & { free(): void } & Disposable> {
  const place = temporaryPlace();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KB}k`, 'tmpfs', place.state]);
  const dispose = () => {
    execFileSync('umount', [place.state]);
    place[Symbol.dispose]();
  };
  const made = { ...place, pack: join(place.state, 'pack.json'), models: join(place.state, 'models'), [Symbol.dispose]: dispose };
  const artifact = artifactOf('words', Buffer.from('words'), { kind: 'file', path: 'words.txt' });
  mkdirSync(dirname(join(made.models, artifact.path)), { recursive: true });
  writeFileSync(join(made.models, artifact.path), 'words');
  writeFileSync(made.pack, packOf([artifact]));
  await ensureLocalDomain(made, NOW);
  const filling = join(place.state, 'filling');
  expect(() => writeFileSync(filling, Buffer.alloc(DISK_KB * 1024))).toThrow('ENOSPC');
  return { ...made, free: () => rmSync(filling) };
}

describe('a full disk', () => {
  it('leaves the signing key as it was when it is to be rotated, and the rotation goes on once there is room', async () => {
    using place = await fullDisk();
    const keys = () => readFileSync(join(place.certs, 'model-signing-key.pem'), 'utf8');
    const before = [await listKeys(place), keys()];
    await expect(rotateKey(place, undefined, NOW)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([await listKeys(place), keys()]).toEqual(before);
    place.free();
    const { keyid } = await rotateKey(place, undefined, NOW);
    expect((await listKeys(place)).map(({ state }) => state)).toEqual(['current', 'former']);
    expect((await listKeys(place))[0]?.keyid).toBe(keyid);
  });

  it('does not keep a verification from its answer: that the mark is not kept is said', async () => {
    using place = await fullDisk();
    const [lock, pack] = [await readLockFile(place.lock), await readPackFile(place.pack)];
    const trust = await readTrustFile(place.trust, lock);
    const said: string[] = [];
    const found = await verifyAll(
      { lock, pack, trust, root: place.models, nowMs: NOW, mark: place.mark, raisesMark: true },
      { signal: new AbortController().signal, onProgress: () => {}, both: false, onUnwritten: (why) => said.push(why) },
    );
    expect(found).toMatchObject({ ok: true, mode: 'normal' });
    expect(said).toEqual([expect.stringContaining('ENOSPC')]);
  });
});
