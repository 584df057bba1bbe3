import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testDomain } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { nextPackPath, packFor } from './nextpack.ts';

const OLD = 'the pack in force';

/** A pack of before in its place, and the lock of the one that comes. */
async function place() {
  const folder = await mkdtemp(join(tmpdir(), 'smartlite-next-'));
  using domain = await testDomain();
  const [lock, pack] = await Promise.all([readFile(domain.files.lock), readFile(domain.files.pack)]);
  const path = join(folder, 'MODEL_PACK.json');
  writeFileSync(path, OLD);
  const read = () => packFor(lock, path, (file) => readFile(file));
  return { lock, pack, path, next: nextPackPath(path), read, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

describe('the pack that a lock names', () => {
  it('is found where it waits beside the one in force, and where it has been put in its place', async () => {
    await using here = await place();
    writeFileSync(here.next, here.pack);
    expect(await here.read()).toEqual(here.pack);
    renameSync(here.next, here.path);
    expect(await here.read()).toEqual(here.pack);
  });

  it('is none that waits there and is not what the lock names: the one in its place is judged', async () => {
    await using here = await place();
    writeFileSync(here.next, `${here.pack.toString()} `);
    expect(String(await here.read())).toBe(OLD);
    rmSync(here.next);
    expect(String(await here.read())).toBe(OLD);
  });

  it('is found when it is put in its place between two looks', async () => {
    await using here = await place();
    writeFileSync(here.next, here.pack);
    let looks = 0;
    const read = async (file: string) => {
      const bytes = await readFile(file);
      if ((looks += 1) === 1) renameSync(here.next, here.path);
      return bytes;
    };
    expect(await packFor(here.lock, here.path, read)).toEqual(here.pack);
  });

  it('is the one in its place for what is no lock', async () => {
    await using here = await place();
    writeFileSync(here.next, here.pack);
    expect(String(await packFor(Buffer.from('no lock'), here.path, (file) => readFile(file)))).toBe(OLD);
  });
});
