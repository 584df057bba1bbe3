import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { testDomain } from '@smartlite/testkit';
import { nextPackPath } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { markPath, modelStore } from './modelstore.ts';

const PATIENCE = { timeout: 30_000 };
const never = new AbortController().signal;

/** A store with its lock; `home` is where its mark is kept. */
async function store(home = '.') {
  const domain = await testDomain();
  const errors: string[] = [];
  const mark = markPath(join(domain.home, home));
  const { lock, pack, models } = domain.files;
  const issuedMs = Date.parse((JSON.parse(readFileSync(lock, 'utf8')) as { issued: string }).issued);
  const log = { error: (text: string) => void errors.push(text) };
  const own = modelStore({ lock, pack, models, mark }, domain.keys.trust, { nowMs: () => issuedMs, log });
  return { domain, errors, own, [Symbol.dispose]: () => domain[Symbol.dispose]() };
}

describe('a store whose disk does not take the mark', () => {
  it('is verified all the same, each time: the trouble is said, and is no finding', async () => {
    using made = await store('nowhere');
    for (const times of [1, 2]) {
      expect((await made.own.verify(never)).findings).toEqual([]);
      expect(made.errors).toHaveLength(times);
    }
  });
});

describe('a store whose pack is exchanged', () => {
  it('is proven at every step where the new one waits beside it for its lock; put in its place before that it is a mismatch', async () => {
    using made = await store();
    const { pack } = made.domain.files;
    const codes = async () => (await made.own.verify(never)).findings.map(({ code }) => code);
    const [old, oldLock] = [readFileSync(pack), readFileSync(made.domain.files.lock)];
    writeFileSync(pack, `${old.toString()}\n`);
    await made.domain.sign();
    const [next, nextLock] = [readFileSync(pack), readFileSync(made.domain.files.lock)];
    writeFileSync(made.domain.files.lock, oldLock);
    expect(await codes()).toEqual(['PACK_MISMATCH']);
    writeFileSync(pack, old);
    const steps = [
      () => undefined,
      () => writeFileSync(nextPackPath(pack), next),
      () => writeFileSync(made.domain.files.lock, nextLock),
      () => renameSync(nextPackPath(pack), pack),
    ];
    for (const step of steps) {
      step();
      expect(await codes()).toEqual([]);
    }
  });
});

describe('a store that is watched', () => {
  it('tells what was changed or added by a look at that alone, whatever a full verification takes', async () => {
    using made = await store();
    await made.own.verify(never);
    const ending = new AbortController();
    const found: string[] = [];
    const on = {
      found: ([first]: readonly { code: string; artifact: string }[]) => found.push(`${first?.code} ${first?.artifact}`),
    };
    const watching = made.own.watch({ ...on, changed: () => {} }, ending.signal);
    const file = made.domain.artifact('ears');
    const good = readFileSync(file);
    writeFileSync(
      file,
      good.map((byte, index) => (index === good.length - 2 ? byte ^ 1 : byte)),
    );
    await expect.poll(() => found, PATIENCE).toContain('DIGEST_MISMATCH ears-script');
    writeFileSync(join(dirname(file), 'more.bin'), 'x');
    await expect.poll(() => found, PATIENCE).toContain('FILE_UNLISTED ');
    ending.abort();
    await watching;
  });
});
