import { type RoleIdentity, signBudgetOrder, signDetached } from '@smartlite/trust';
import { afterEach, describe, expect, it } from 'vitest';
import { Accountant } from './accountant.ts';
import type { LedgerLog } from './engine.ts';
import type { Command } from './entry.ts';
import { memoryDomain } from './fixtures/domain.ts';
import { memoryLog } from './fixtures/memorylog.ts';
import type { Limit } from './limits.ts';
import { openSnapshot, sealSnapshot } from './snapshot.ts';
import { encodePage, type Page, type SealedPage } from './page.ts';

const LIMIT: Limit = { scope: 'tenant', subject: '', unit: 'requests', window: 'day', limit: 50 };
const PACK = { generation: 1, sequence: 1, limits: [LIMIT] };
const START_MS = Date.UTC(2026, 0, 5, 12);
const domain = await memoryDomain(START_MS);
const identities: Record<string, RoleIdentity> = {};
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

let stopping = new AbortController();
afterEach(() => {
  stopping.abort();
  stopping = new AbortController();
});

interface Wish {
  readonly nowMs?: () => number;
  readonly pack?: typeof PACK;
}
async function replica(log: LedgerLog, name: string, { nowMs = () => START_MS, pack = PACK }: Wish = {}) {
  const losses: number[] = [];
  const foreign: string[] = [];
  const replica = `budget-${name}`;
  const identity = (identities[replica] ??= await domain.identity('instance', replica));
  const accountant = new Accountant({
    log,
    clock: { nowMs, monotonicMs: nowMs },
    replica,
    identity: () => identity,
    trust: domain.trust,
    pack,
    snapshotEvery: 10,
    newIncarnation: () => `by-${replica}`,
    journal: quiet,
    onLost: (position) => void losses.push(position),
    onForeign: (_position, because) => void foreign.push(because),
  });
  await accountant.open(stopping.signal);
  return Object.assign(accountant, { losses, foreign });
}
const reserve = (key: string, requests = 1): Command => ({
  kind: 'reserve',
  key,
  tenant: 'acme',
  user: 'ada',
  amounts: { requests },
  lifeMs: 60_000,
});
/** The same snapshot under another signature. */
function forgedSnapshot(bytes: Uint8Array, identity: RoleIdentity, replica = 'budget-a'): Uint8Array {
  return sealSnapshot({ ...openSnapshot(bytes, domain.trust), replica }, identity);
}
/** A page as an author writes it who shows its certificates. */
function sealed(page: Page, identity: RoleIdentity): SealedPage {
  const body = encodePage(page);
  const { keyId, certificates } = identity;
  return { body, seal: { keyId, certificates, signature: signDetached('ledger-page', body, identity) } };
}
const ADA = { tenant: 'acme', user: 'ada' };

describe('three replicas of the budget', () => {
  it('grant exactly 50 of 1,000 requests at once', async () => {
    const log = memoryLog();
    const replicas = await Promise.all(['a', 'b', 'c'].map((name) => replica(log, name)));
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => (replicas[n % 3] as Accountant).decide(reserve(`k${n}`))),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'granted')).toHaveLength(50);
    for (const each of replicas) expect(each.usage(ADA)[0]).toMatchObject({ reserved: 50 });
  });

  it('know the same books as a replica that comes later', async () => {
    const log = memoryLog();
    const first = await replica(log, 'a');
    await first.decide(reserve('k'));
    const late = await replica(log, 'b');
    expect(late.usage(ADA)).toEqual(first.usage(ADA));
  });

  it('keep the limits of the newest pack, also those that were started with an older one', async () => {
    const log = memoryLog();
    const old = await replica(log, 'a');
    await replica(log, 'b', { pack: { ...PACK, sequence: 2, limits: [{ ...LIMIT, limit: 3 }] } });
    const late = await replica(log, 'c');
    expect(await old.decide(reserve('k', 4))).toMatchObject({ kind: 'refused', limitValue: 3 });
    expect(await late.decide(reserve('l', 4))).toMatchObject({ kind: 'refused', limitValue: 3 });
  });
});

describe('a replica that comes back under its name', () => {
  it('decides though its clock was set back, and its older life decides no more', async () => {
    const log = memoryLog();
    const older = await replica(log, 'a', { nowMs: () => START_MS + 8_000 });
    const newer = await replica(log, 'a', { nowMs: () => START_MS });
    expect((await newer.decide(reserve('k'))).kind).toBe('granted');
    expect(await older.decide(reserve('l'))).toEqual({ kind: 'rejected', reason: 'older-boot' });
  });
});

describe('an append that fails', () => {
  it('without being stored is reported as unavailable, and the repeated command holds once', async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    log.failNext('not-applied');
    await expect(accountant.decide(reserve('k'))).rejects.toMatchObject({ code: 'budget-unavailable', retryable: true });
    expect((await accountant.decide(reserve('k'))).kind).toBe('granted');
    expect(accountant.usage(ADA)[0]).toMatchObject({ reserved: 1 });
  });

  it('though stored, holds once, whichever comes first: the failure or the entry', async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    log.failNext('applied-unacknowledged');
    await accountant.decide(reserve('k')).catch(() => undefined);
    expect((await accountant.decide(reserve('k'))).kind).toBe('granted');
    expect(accountant.usage(ADA)[0]).toMatchObject({ reserved: 1 });
  });
});

describe('a log that has lost its tail', () => {
  it('is found by who had read it, and nothing is granted by anybody until what was held has ended', async () => {
    const log = memoryLog();
    let nowMs = START_MS;
    const clock = { nowMs: () => nowMs };
    const [witness, other] = [await replica(log, 'a', clock), await replica(log, 'b', clock)];
    const before = log.entries.length;
    await witness.decide(reserve('k', 50));
    log.cut(before);
    await expect.poll(() => witness.ready && other.ready, { timeout: 20_000 }).toBe(true);
    expect(witness.losses).toEqual([before]);
    const late = await replica(log, 'c', clock);
    for (const each of [witness, other, late])
      expect(await each.decide(reserve('l'))).toEqual({ kind: 'rejected', reason: 'recovering' });
    nowMs += 700_000;
    expect((await late.decide(reserve('m'))).kind).toBe('granted');
  });

  it('and all before it begins a new incarnation, and what was written for the old one does not count', async () => {
    const log = memoryLog();
    const witness = await replica(log, 'a');
    log.cut(0);
    await expect.poll(() => witness.ready, { timeout: 20_000 }).toBe(true);
    const books = log.entries.length;
    const page = { incarnation: 'another', replica: 'budget-a', boot: START_MS * 2, atMs: START_MS };
    await log.append(
      sealed({ ...page, entries: [{ counter: 1, command: reserve('k', 50) }] }, identities['budget-a'] as RoleIdentity),
    );
    expect(log.entries).toHaveLength(books + 1);
    expect(witness.usage(ADA)[0]).toMatchObject({ reserved: 0 });
  });
});

describe('a log whose head is missing', () => {
  it('is decided by nobody: who has read the head and who has not would keep two books', async () => {
    const log = memoryLog();
    const first = await replica(log, 'a');
    await first.decide(reserve('k'));
    const headless: LedgerLog = {
      append: (entry) => log.append(entry),
      keep: (...snapshot) => log.keep(...snapshot),
      follow(reader, signal) {
        const behead = {
          ...reader,
          page: (logged: (typeof log.entries)[number]) => logged.position > 1 && reader.page(logged),
        };
        return log.follow(behead, signal);
      },
    };
    let opened = false;
    void replica(headless, 'b').then(() => (opened = true));
    const appended = log.entries.length;
    await expect.poll(() => log.entries.length, { timeout: 10_000 }).toBeGreaterThan(appended);
    expect(opened).toBe(false);
  });
});

describe('a fleet in which nobody asks any more', () => {
  it('closes what a dead holder had held once its life and the margin are over', async () => {
    const log = memoryLog();
    let nowMs = START_MS;
    const accountant = await replica(log, 'a', { nowMs: () => nowMs });
    await accountant.decide({ ...reserve('k'), amounts: { llm_tokens: 5, requests: 1 } } as Command);
    nowMs += 70_000;
    await expect.poll(() => accountant.usage(ADA)[0], { timeout: 10_000 }).toMatchObject({ reserved: 0, charged: 1 });
  });
});

describe('a message in the ledger that no budget service has signed', () => {
  const forged: Page = {
    incarnation: 'by-budget-a',
    replica: 'budget-z',
    boot: START_MS,
    atMs: START_MS,
    entries: [{ counter: 1, command: reserve('forged', 50) }],
  };

  it('is believed when a budget service has, so that nothing but the change below refuses it', async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    await log.append(sealed(forged, await domain.identity('instance', 'budget-z')));
    expect(accountant.usage(ADA)[0]).toMatchObject({ reserved: 50 });
    expect(accountant.foreign).toEqual([]);
  });

  it.each<[string, RegExp, () => Promise<SealedPage>]>([
    ['no signature', /SIGNATURE_MISSING/, async () => ({ body: encodePage(forged), seal: undefined })],
    [
      'another service’s key',
      /KEY_WRONG_ROLE: tts-1 writes/,
      async () => sealed(forged, await domain.identity('instance', 'tts-1')),
    ],
    [
      'another service’s key under its own name',
      /KEY_WRONG_ROLE/,
      async () => sealed({ ...forged, replica: 'tts-1' }, await domain.identity('instance', 'tts-1')),
    ],
    [
      'another replica’s key',
      /KEY_WRONG_ROLE: budget-b writes/,
      async () => sealed(forged, await domain.identity('instance', 'budget-b')),
    ],
    ['a verifier’s key', /KEY_WRONG_ROLE/, async () => sealed(forged, await domain.identity('lock-status', 'budget-z'))],
    [
      'a key of another domain',
      /KEY_UNTRUSTED/,
      async () => sealed(forged, await (await memoryDomain(START_MS)).identity('instance', 'budget-z')),
    ],
    [
      'a signature for other bytes',
      /SIGNATURE_INVALID/,
      async () => ({
        ...sealed(forged, await domain.identity('instance', 'budget-z')),
        body: encodePage({ ...forged, boot: 9 }),
      }),
    ],
    [
      'a certificate that has ended',
      /KEY_EXPIRED/,
      async () => {
        const old = await (async () => domain.identity('instance', 'budget-z'))();
        return sealed({ ...forged, atMs: START_MS + 2 * 86_400_000 }, old);
      },
    ],
  ])('changes nothing and is named: %s', async (_what, because, make) => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    await log.append(await make());
    await expect.poll(() => accountant.foreign, { timeout: 20_000 }).toEqual([expect.stringMatching(because)]);
    expect(accountant.usage(ADA)[0]).toMatchObject({ reserved: 0 });
    expect((await accountant.decide(reserve('k', 50))).kind).toBe('granted');
  });

  it('and stands where the log begins, does not keep the ledger from beginning after it', async () => {
    const log = memoryLog();
    await log.append({ body: new TextEncoder().encode('{"old":"format"}'), seal: undefined });
    const accountant = await replica(log, 'a');
    expect((await accountant.decide(reserve('k'))).kind).toBe('granted');
  });
});

describe('a ledger of which a snapshot was kept', () => {
  const filled = async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    while (log.kept === undefined) await accountant.decide(reserve(`k${log.entries.length}`));
    await accountant.decide(reserve('after'));
    return { log, accountant };
  };

  it('is read from there by whoever comes later, who knows and decides the same', async () => {
    const { log, accountant } = await filled();
    const late = await replica(log, 'b');
    expect(log.starts.at(-1)).toBe(10);
    expect(late.usage(ADA)).toEqual(accountant.usage(ADA));
    const settled = { kind: 'rejected', reason: 'unknown-reservation' };
    const command: Command = { kind: 'settle', reservation: 'nobody', spent: {} };
    expect([await accountant.decide(command), await late.decide(command)]).toEqual([settled, settled]);
    expect(await late.decide(reserve('after'))).toMatchObject({ kind: 'granted' });
    expect(late.usage(ADA)).toEqual(accountant.usage(ADA));
  });

  it.each<[string, (bytes: Uint8Array) => Promise<Uint8Array>]>([
    ['is signed by another service', async (bytes) => forgedSnapshot(bytes, await domain.identity('instance', 'tts-1'), 'tts-1')],
    ['is signed in another’s name', async (bytes) => forgedSnapshot(bytes, await domain.identity('instance', 'budget-b'))],
    [
      'differs in one byte',
      async (bytes) => Buffer.from(Buffer.from(bytes).toString('latin1').replace('"timeMs":1', '"timeMs":2'), 'latin1'),
    ],
    ['is cut short', async (bytes) => bytes.subarray(0, bytes.length / 2)],
  ])('is read from its beginning when the snapshot %s', async (_what, forge) => {
    const { log, accountant } = await filled();
    if (log.kept) await log.keep(await forge(log.kept.bytes), log.kept.position);
    const late = await replica(log, 'b');
    expect(log.starts.at(-1)).toBe(0);
    expect(late.usage(ADA)).toEqual(accountant.usage(ADA));
  });
});

describe('an operator’s order', () => {
  const order = (over = {}) => ({
    fleet: 'test-fleet',
    generation: 1,
    limit: { ...LIMIT, limit: 3 },
    notAfterUnixMs: START_MS + 60_000,
    nonce: '0'.repeat(32),
    ...over,
  });
  const setting = (bytes: Uint8Array): Command => ({ kind: 'set-limit', order: Buffer.from(bytes).toString('base64') });

  it('sets its limit once, and says whose it is', async () => {
    const accountant = await replica(memoryLog(), 'a');
    const operator = await domain.identity('operator', 'eve');
    const command = setting(signBudgetOrder(order(), operator));
    expect(await accountant.decide(command)).toMatchObject({ kind: 'limit-set', previous: 50, operator: operator.keyId });
    expect(await accountant.decide(command)).toEqual({ kind: 'rejected', reason: 'order-used' });
    expect(await accountant.decide(reserve('k', 4))).toMatchObject({ kind: 'refused', limitValue: 3 });
  });

  it.each<[string, string, () => Promise<Uint8Array>]>([
    [
      'signed by a service',
      'order-unproven',
      async () => signBudgetOrder(order(), await domain.identity('instance', 'budget-a')),
    ],
    [
      'of another fleet',
      'order-unproven',
      async () => signBudgetOrder(order({ fleet: 'other' }), await domain.identity('operator', 'eve')),
    ],
    [
      'of another generation',
      'order-unproven',
      async () => signBudgetOrder(order({ generation: 2 }), await domain.identity('operator', 'eve')),
    ],
    [
      'of another domain’s operator',
      'order-unproven',
      async () => signBudgetOrder(order(), await (await memoryDomain(START_MS)).identity('operator', 'eve')),
    ],
    [
      'whose time is over',
      'order-late',
      async () => signBudgetOrder(order({ notAfterUnixMs: START_MS - 1 }), await domain.identity('operator', 'eve')),
    ],
    [
      'that would be good for a day',
      'order-late',
      async () => signBudgetOrder(order({ notAfterUnixMs: START_MS + 86_400_000 }), await domain.identity('operator', 'eve')),
    ],
    ['that is no order', 'order-unproven', async () => Buffer.from('{}')],
  ])('%s is refused by every replica’s fold, though a budget service wrote it into the log', async (_what, reason, make) => {
    const log = memoryLog();
    const [accountant, other] = [await replica(log, 'a'), await replica(log, 'b')];
    expect(await accountant.decide(setting(await make()))).toEqual({ kind: 'rejected', reason });
    for (const each of [accountant, other]) expect(each.usage(ADA)[0]).toMatchObject({ limit: 50 });
  });
});
