import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditEntry, AuditServiceService, STREAMS, SUBJECTS } from '@smartlite/contracts';
import { ensureStreams } from '@smartlite/chassis/parts';
import { harness, natsServer, testDomain } from '@smartlite/testkit';
import { parseVerifierKey, verifyProof } from '@smartlite/tlog';
import { openReceipt, roleTrust } from '@smartlite/trust';
import { connect } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from './entry.ts';
import { type SignedProducer, signedProducer } from './producer.fixture.ts';
import { audit } from './service.ts';

const FLEET = 'test-fleet';
/** Far above what anything here takes, so that a busy machine fails nothing. */
const eventually = (look: () => unknown) => expect.poll(look, { timeout: 30_000 });

async function ground() {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await natsServer());
  const domain = stack.use(await testDomain({ fleet: FLEET }));
  const nats = await connect({ servers: url });
  stack.defer(() => nats.close());
  await ensureStreams(await nats.jetstreamManager(), 1);
  const { folder } = await domain.identity('audit-checkpoint', 'audit-log');
  const environment = { SMARTLITE_HOME: domain.home, SMARTLITE_CHECKPOINT_IDENTITY: folder };
  const models = await domain.modelFiles();
  return { stack, domain, nats, models, folder, environment, boots: new Map<string, SignedProducer>() };
}
let set: Awaited<ReturnType<typeof ground>>;
beforeEach(async () => void (set = await ground()));
afterEach(() => set.stack.disposeAsync());

async function running() {
  const { environment, models, nats } = set;
  const mesh = await harness(audit, { environment, models, nats });
  await mesh.start();
  return mesh;
}
type Mesh = Awaited<ReturnType<typeof running>>;

let counter = 0;
function entry(more: Partial<AuditEntry> = {}): AuditEntry {
  const number = more.counter ?? (counter += 1);
  const [producer, boot] = [more.producer ?? 'llm-1', more.boot ?? 'b0'];
  return {
    id: `${producer}.${boot}.${number}`,
    producer,
    boot,
    service: 'llm',
    counter: number,
    atUnixMs: 1_700_000_000_000 + number,
    kind: 'call.served',
    actor: 'alice',
    traceId: 'a'.repeat(32),
    salt: '0'.repeat(32),
    facts: { number },
    ...more,
  };
}
/** The first entry of a boot is its key; `send` sees to it. */
beforeEach(() => void (counter = 1));

/** As a producer's spool does; `message` is a new one for each sending, unless the window for repeats is meant. */
let message = 0;
async function send(...entries: readonly AuditEntry[]) {
  for (const each of entries) await publish(each.service, await signed(each));
}
async function publish(service: AuditEntry['service'], text: string) {
  await set.nats.jetstream().publish(SUBJECTS.audit(service), text, { msgID: `m${(message += 1)}` });
}
/** By the key of its boot, which is sent before the first of its entries. */
async function signed(each: AuditEntry): Promise<string> {
  const { producer: name, boot, service } = each;
  const known = set.boots.get(`${name}.${boot}`);
  const own =
    known ?? signedProducer({ identity: await set.domain.identity('instance', name), fleet: FLEET, name, boot, service });
  set.boots.set(`${name}.${boot}`, own);
  if (!known) await publish(service, own.line(1));
  return own.other(each.counter, { previous: undefined, ...each });
}
async function query(mesh: Mesh, filter: Record<string, unknown> = {}) {
  const request = {
    id: '',
    traceId: '',
    service: '',
    kind: '',
    actor: '',
    beforeIndex: 0n,
    fromUnixMs: 0n,
    toUnixMs: 0n,
    limit: 0,
    ...filter,
  };
  const found: (AuditEntry & { index: number })[] = [];
  for await (const { index, entry: text } of mesh.of(AuditServiceService).query(request, {}))
    found.push({ ...(JSON.parse(text) as AuditEntry), index: Number(index) });
  return found;
}
const ids = async (mesh: Mesh, filter?: Record<string, unknown>) =>
  (await query(mesh, filter)).flatMap(({ id, kind }) => (kind === 'key.certified' ? [] : id));

describe('the audit service', () => {
  it('logs entries in order and finds them by trace, kind, service and time', async () => {
    await using mesh = await running();
    const other = entry({ kind: 'model.loaded', traceId: 'b'.repeat(32) });
    await send(other, entry(), entry());
    await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2', 'llm-1.b0.3', 'llm-1.b0.4']);
    expect(await ids(mesh, { traceId: 'b'.repeat(32) })).toEqual(['llm-1.b0.2']);
    expect(await ids(mesh, { kind: 'call.served', limit: 1 })).toEqual(['llm-1.b0.4']);
    expect(await ids(mesh, { fromUnixMs: 1_700_000_000_003n, toUnixMs: 1_700_000_000_003n })).toEqual(['llm-1.b0.3']);
    expect(await ids(mesh, { service: 'asr' })).toEqual([]);
    expect(await ids(mesh, { kind: 'model' })).toEqual(['llm-1.b0.2']);
    expect(await ids(mesh, { actor: 'alice', limit: 2 })).toEqual(['llm-1.b0.3', 'llm-1.b0.4']);
    // The page before it: the first entry, at 0, is the boot's key.
    expect(await ids(mesh, { actor: 'alice', limit: 2, beforeIndex: 2n })).toEqual(['llm-1.b0.2']);
    expect(await ids(mesh, { actor: 'bob' })).toEqual([]);
  });

  it('proves an entry, also one that is only on its way, by a file that verifies with the public key alone', async () => {
    await using mesh = await running();
    const proving = mesh.of(AuditServiceService).prove({ id: 'llm-1.b0.2' }, {});
    await send(entry());
    const { proof } = await proving;
    const key = parseVerifierKey(readFileSync(join(set.folder, FLEET, 'local', 'log.vkey'), 'utf8'));
    const proven = verifyProof(Buffer.from(proof).toString('utf8'), key);
    expect(JSON.parse(Buffer.from(proven.entry).toString('utf8'))).toMatchObject({ id: 'llm-1.b0.2', kind: 'call.served' });
    expect((await mesh.of(AuditServiceService).getCheckpoint({}, {})).checkpoint).toBe(proven.checkpoint.note);
  });

  it('goes on with entries of a stream that was made anew', async () => {
    await using mesh = await running();
    await send(entry());
    await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2']);
    const manager = await set.nats.jetstreamManager();
    await manager.streams.delete(STREAMS.audit);
    await ensureStreams(manager, 1);
    await send(entry());
    await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2', 'llm-1.b0.3']);
  });

  it.each(['starting', 'safe', 'halted'] as const)('serves in mode %s', async (mode) => {
    await using mesh = await running();
    mesh.guard.become({ mode });
    await send(entry());
    await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2']);
    expect(await mesh.of(AuditServiceService).prove({ id: 'llm-1.b0.2' }, {})).toBeDefined();
  });

  it('gives its signed receipt once an entry is in the log, and again for each repeat, which it logs once', async () => {
    const receipts: unknown[] = [];
    const trust = roleTrust(set.models.trust);
    set.nats.subscribe(SUBJECTS.auditReceipt('llm-1'), {
      callback: (_error, { data }) => {
        const { entries, size } = openReceipt(data, trust, Date.now());
        for (const each of entries) if (each.index > 0) receipts.push({ ...each, size });
      },
    });
    await using mesh = await running();
    const one = await signed(entry());
    await publish('llm', one);
    await eventually(() => receipts.length).toBe(1);
    await publish('llm', one);
    await eventually(() => receipts.length).toBe(2);
    const said = { id: 'llm-1.b0.2', index: 1, digest: digestOf(Buffer.from(one)), size: 2 };
    expect(receipts).toEqual([said, said]);
    expect(await ids(mesh)).toEqual(['llm-1.b0.2']);
  });

  it('lets the bus forget what it has logged, and nothing else', async () => {
    await using mesh = await running();
    await send(entry(), entry(), entry({ counter: 9 }), entry({ counter: 2, boot: 'b1' }));
    await eventually(async () => (await ids(mesh)).toSorted()).toEqual(['llm-1.b0.2', 'llm-1.b0.3', 'llm-1.b1.2']);
    const manager = await set.nats.jetstreamManager();
    const state = async () => (await manager.streams.info(STREAMS.audit)).state;
    // The fourth waits for a gap: it stays, and with it what came after it.
    await eventually(async () => (await state()).first_seq).toBe(4);
    expect((await state()).messages).toBe(3);
  });

  it('writes verifications and signatures to the verification log, one JSON object a line, each once', async () => {
    const file = join(set.domain.home, 'logs', 'audit', 'model_verification.log');
    const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
    {
      await using mesh = await running();
      await send(entry(), entry({ kind: 'verification.passed', facts: { artifacts: 7 } }), entry({ kind: 'signature.checked' }));
      await eventually(() => ids(mesh)).toHaveLength(3);
    }
    await using again = await running();
    await send(entry({ kind: 'verification.failed' }));
    await eventually(() => ids(again)).toHaveLength(4);
    expect(lines().map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual([
      'verification.passed',
      'signature.checked',
      'verification.failed',
    ]);
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ artifacts: 7, instance: 'llm-1', position: 2 });
  });
});

describe('an audit service that was stopped', () => {
  it('goes on where it was, without its index too, and still knows every id', async () => {
    const old = await signed(entry());
    {
      await using mesh = await running();
      await publish('llm', old);
      await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2']);
    }
    for (const name of ['index.sqlite', 'index.sqlite-wal', 'index.sqlite-shm'])
      rmSync(join(set.domain.home, 'audit', FLEET, 'local', name), { force: true });
    await using again = await running();
    await publish('llm', old);
    await send(entry());
    await eventually(() => ids(again)).toEqual(['llm-1.b0.2', 'llm-1.b0.3']);
  });

  it('does not continue a log that was put back, says so, and raises an alert', async () => {
    {
      await using mesh = await running();
      await send(entry());
      await eventually(() => ids(mesh)).toHaveLength(1);
    }
    rmSync(join(set.domain.home, 'audit', FLEET, 'local'), { recursive: true });
    await using again = await running();
    expect(again.bus.alerts).toMatchObject([{ severity: 'critical', reasons: ['LOG_ROLLED_BACK', expect.any(String)] }]);
    await expect(ids(again)).rejects.toMatchObject({ code: 'audit-unavailable' });
    expect(again.wired.facts?.().notReady).toContain('a checkpoint of 2 entries was signed');
  });
});

describe('two instances of one log', () => {
  it('write in turn: the second stands by until the first is gone', async () => {
    const first = await running();
    await using second = await running();
    expect(second.wired.facts?.().notReady).toContain('stands by');
    await send(entry());
    await eventually(() => ids(first)).toHaveLength(1);
    await first[Symbol.asyncDispose]();
    await send(entry());
    await eventually(() => ids(second).catch(() => [])).toEqual(['llm-1.b0.2', 'llm-1.b0.3']);
  });
});

describe('a producer that is not as it should be', () => {
  const remarks = async (mesh: Mesh) =>
    (await query(mesh)).filter(({ kind }) => kind.startsWith('trail.')).map(({ kind, facts }) => ({ kind, ...facts }));

  it('is waited for when its counter has a gap, and then the gap is logged, and the straggler as late', async () => {
    await using mesh = await running();
    await send(entry({ counter: 2 }), entry({ counter: 5 }));
    await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2']);
    // Not before it was waited for; a batch comes at least every second.
    await eventually(async () => (mesh.clock.advance(1_000), (await ids(mesh)).length)).toBe(3);
    expect(await remarks(mesh)).toEqual([{ kind: 'trail.gap', producer: 'llm-1', boot: 'b0', from: 3, to: 4 }]);
    await send(entry({ counter: 4 }));
    await eventually(() => remarks(mesh)).toContainEqual({ kind: 'trail.late', entry: 'llm-1.b0.4', expected: 6 });
  });

  it('that says two things under one id is found out, and security is alerted', async () => {
    await using mesh = await running();
    await send(entry({ counter: 2 }), entry({ counter: 2, facts: { number: 9 } }));
    await eventually(() => remarks(mesh)).toMatchObject([
      { kind: 'trail.equivocation', code: 'ENTRY_EQUIVOCATION', entry: 'llm-1.b0.2' },
    ]);
    expect(mesh.bus.alerts).toMatchObject([{ severity: 'critical', reasons: ['ENTRY_EQUIVOCATION', 'llm-1.b0.2'] }]);
  });

  it('has its entries refused by name when they are none, or speak for another service', async () => {
    await using mesh = await running();
    const jetstream = set.nats.jetstream();
    await jetstream.publish(SUBJECTS.audit('llm'), 'rubbish');
    await jetstream.publish(SUBJECTS.audit('llm'), JSON.stringify(entry({ service: 'budget' })));
    await send(entry({ counter: 2 }));
    await eventually(() => remarks(mesh)).toMatchObject([
      { kind: 'trail.refused', service: 'llm', bytes: 7 },
      { kind: 'trail.refused', because: 'it says service budget, and came from llm' },
    ]);
    expect(await ids(mesh)).toContain('llm-1.b0.2');
  });
});

describe('the credentials of another service', () => {
  it('write nothing in a producer’s name: neither unsigned, nor signed by themselves, nor with a key of their own', async () => {
    await using mesh = await running();
    await send(entry());
    await eventually(() => ids(mesh)).toEqual(['llm-1.b0.2']);
    const thief = await set.domain.identity('instance', 'llm-2');
    const ofThief = signedProducer({ identity: thief, fleet: FLEET, name: 'llm-2' });
    // Its own key over a victim's entry; a key for the victim's name and another boot, certified by itself; no signature at all.
    const forgeries = [
      ofThief.other(3, { ...entry(), counter: 3, id: 'llm-1.b0.3', producer: 'llm-1' }),
      signedProducer({ identity: thief, fleet: FLEET, boot: 'b9' }).line(1),
      JSON.stringify(entry({ counter: 3 })),
    ];
    for (const forgery of forgeries) await publish('llm', forgery);
    const refused = async () =>
      (await query(mesh, { kind: 'trail.refused' })).map(({ facts }) => [facts['code'], facts['entry']]);
    await eventually(refused).toEqual([
      ['ENTRY_FORGED', 'llm-1.b0.3'],
      ['ENTRY_FORGED', 'llm-1.b9.1'],
      ['ENTRY_FORGED', 'llm-1.b0.3'],
    ]);
    expect(mesh.bus.alerts).toHaveLength(3);
    // The victim is not harmed: its own third entry has its place.
    await send(entry({ counter: 3 }));
    await eventually(() => ids(mesh, { service: 'llm' })).toEqual(['llm-1.b0.2', 'llm-1.b0.3']);
  });
});
