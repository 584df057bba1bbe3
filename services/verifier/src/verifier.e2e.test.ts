import { copyFileSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { SUBJECTS } from '@smartlite/contracts';
import { ALICE, DEFAULT_MODELS, testDomain, type TestFleet, testFleet, type TestFleetOptions } from '@smartlite/testkit';
import { DEFAULT_POLICY, signAlarm, storeId } from '@smartlite/trust';
import { afterEach, describe, expect, it } from 'vitest';

const PATIENCE = { timeout: 60_000 };
/** Leases short enough to wait for, long enough for a busy machine. */
const SHORT = { SMARTLITE_STATUS_LEASE_MS: '8000', SMARTLITE_LEADER_LEASE_MS: '3000' };

let fleet: TestFleet;
afterEach(() => fleet[Symbol.asyncDispose]());

async function verified(options: TestFleetOptions = {}, instance = 'verifier-1'): Promise<TestFleet> {
  fleet = await testFleet(options);
  await fleet.start('verifier', instance);
  await becomes('normal');
  return fleet;
}
const becomes = (mode: string) => expect.poll(() => fleet.status()?.mode, PATIENCE).toBe(mode);

/** Changes one byte of a model's artifact in place; returns how to put it back. */
function flip(model: string): () => void {
  const file = fleet.domain.artifact(model);
  const good = readFileSync(file);
  const bad = Buffer.from(good);
  bad[bad.length - 2] = (bad[bad.length - 2] ?? 0) ^ 1;
  writeFileSync(file, bad);
  return () => writeFileSync(file, good);
}

/** The model that answers a question now. */
async function servedBy(): Promise<string | undefined> {
  const messages = [{ role: 'user', content: 'Hello.' }];
  const more = { tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom: 0 as const };
  let model: string | undefined;
  for await (const { kind } of fleet.peers.llm.generate({ messages, ...more }, { caller: ALICE, timeoutMs: 5_000 }))
    if (kind?.$case === 'done') model = kind.value.servedBy?.model;
  return model;
}

describe('a verifier that starts', () => {
  it('verifies every artifact, leads, and publishes a signed, leased status each second', async () => {
    await verified();
    const first = fleet.status();
    expect(first).toMatchObject({
      epoch: 1,
      leader: 'verifier-1',
      lockDigest: fleet.domain.lockDigest(),
      lockSequence: 1,
      failures: [],
    });
    expect(first?.artifacts).toHaveLength(DEFAULT_MODELS.length);
    expect(first?.artifacts.every(({ state }) => state === 'verified')).toBe(true);
    await expect
      .poll(() => fleet.statuses.filter(({ revision }) => revision === first?.revision).length, PATIENCE)
      .toBeGreaterThan(3);
    const [one, two, three] = fleet.statuses.slice(-3).map(({ issuedLeaderMs }) => issuedLeaderMs) as [number, number, number];
    expect(two).toBeGreaterThan(one);
    expect(three - one).toBeGreaterThanOrEqual(1_000);
    expect(fleet.status()?.expiresLeaderMs).toBeGreaterThan(fleet.status()?.issuedLeaderMs ?? Infinity);
  });

  it('says nothing permissive about a lock whose bytes are wrong from the start', async () => {
    fleet = await testFleet();
    flip('mind');
    await fleet.start('verifier', 'verifier-1');
    await becomes('safe');
    expect(fleet.statuses.map(({ mode }) => mode)).not.toContain('normal');
  });

  it('rewrites the lock’s runtime_state, and takes that for no change of the lock', async () => {
    await verified();
    const runtime = () =>
      (JSON.parse(readFileSync(fleet.domain.files.lock, 'utf8')) as { runtime_state: { mode: string; verification: string } })
        .runtime_state;
    await expect.poll(runtime, PATIENCE).toMatchObject({ mode: 'normal', verification: 'passed' });
    expect(fleet.status()?.mode).toBe('normal');
  });
});

describe('a byte that flips while all is well', () => {
  it('moves the fleet to safe mode, with the finding, and back after a full verification that began after it', async () => {
    await verified();
    const putBack = flip('ears');
    await becomes('safe');
    expect(fleet.status()).toMatchObject({
      refusedArtifacts: ['ears-script'],
      failures: [{ artifact: 'ears-script', code: 'DIGEST_MISMATCH', effect: 'safe' }],
    });
    const [failure] = fleet.status()?.failures ?? [];
    putBack();
    await becomes('normal');
    expect(fleet.status()?.resolved).toContain(failure?.id);
    expect(fleet.status()?.failures).toEqual([]);
  });

  it('is told to security, to subscribers and in the answer to Verify', async () => {
    await verified();
    const told: string[] = [];
    for (const subject of [SUBJECTS.securityAlert, SUBJECTS.events])
      fleet.nats.subscribe(subject, { callback: (_failure, message) => void told.push(message.subject) });
    await fleet.nats.flush();
    flip('ears');
    await becomes('safe');
    await expect
      .poll(() => told, PATIENCE)
      .toEqual(
        expect.arrayContaining([
          'smartlite.alert.security',
          'smartlite.event.mode.changed',
          'smartlite.event.verification.failed',
          'smartlite.event.artifact.quarantined',
        ]),
      );
    expect(await fleet.peers.verifier.verify({}, {})).toMatchObject({
      ok: false,
      mode: 'safe',
      findings: [{ code: 'DIGEST_MISMATCH', artifact: 'ears-script' }],
    });
  });

  it('moves nobody where the bytes are the same: a file that is touched, or replaced by its like, is a suspicion only', async () => {
    await verified();
    const file = fleet.domain.artifact('ears');
    utimesSync(file, 1, 1);
    expect(await fleet.peers.verifier.verify({}, {})).toMatchObject({ ok: true, mode: 'normal' });
    copyFileSync(file, `${fleet.domain.home}/same`);
    renameSync(`${fleet.domain.home}/same`, file);
    expect(await fleet.peers.verifier.verify({}, {})).toMatchObject({ ok: true, mode: 'normal' });
    expect(fleet.statuses.map(({ mode }) => mode)).not.toContain('safe');
  });
});

describe('a model that is missing', () => {
  it('is replaced by its verified shadow where the policy allows it: in the status, and in what callers are told', async () => {
    await verified({ policy: { ...DEFAULT_POLICY, allow_shadow_fallback: true } });
    await fleet.start('llm', 'llm-1');
    rmSync(fleet.domain.artifact('mind'));
    await expect.poll(() => fleet.status()?.substitutions, PATIENCE).toEqual({ mind: 'spare-mind' });
    expect(fleet.status()?.mode).toBe('normal');
    expect(fleet.status()?.artifacts).toContainEqual({ id: 'mind-script', state: 'missing' });
    await expect.poll(() => servedBy().catch(() => 'nobody'), PATIENCE).toBe('spare-mind');
  });

  it('leads to safe mode where the policy does not', async () => {
    await verified({ policy: { ...DEFAULT_POLICY, allow_shadow_fallback: false } });
    rmSync(fleet.domain.artifact('mind'));
    await becomes('safe');
    expect(fleet.status()?.substitutions).toEqual({});
  });
});

describe('an older lock that is put back, and the host’s mark with it removed', () => {
  it('halts the fleet: its log remembers the lock under which it has served', async () => {
    await verified();
    const older = readFileSync(fleet.domain.files.lock);
    await fleet.domain.sign();
    await expect.poll(() => fleet.status(), PATIENCE).toMatchObject({ mode: 'normal', lockSequence: 2 });
    rmSync(`${fleet.domain.home}/mark.json`);
    writeFileSync(fleet.domain.files.lock, older);
    await becomes('halted');
    expect(fleet.status()?.failures).toMatchObject([{ code: 'SEQUENCE_ROLLED_BACK' }]);
    expect(fleet.status()?.lockSequence).toBe(2);
  });
});

describe('a lock whose signature does not hold', () => {
  it('halts the fleet until an operator has released it, and not before the lock is whole again', async () => {
    await verified();
    const file = fleet.domain.files.lock;
    const good = readFileSync(file);
    writeFileSync(file, good.toString().replace('"safe_mode_on_mismatch": true', '"safe_mode_on_mismatch": false'));
    expect(readFileSync(file)).not.toEqual(good);
    await becomes('halted');
    const failures = fleet.status()?.failures.map(({ id }) => id) ?? [];
    expect(fleet.status()?.failures[0]?.effect).toBe('halted');
    writeFileSync(file, good);
    expect(await fleet.peers.verifier.verify({}, {})).toMatchObject({ ok: true, mode: 'halted' });
    await fleet.order({
      action: 'release',
      failures,
      lockDigest: fleet.domain.lockDigest(),
      lockSequence: 1,
      reason: 'the lock is restored',
    });
    await becomes('normal');
    expect(fleet.status()?.releases).toHaveLength(1);
  });
});

describe('an operator', () => {
  it('puts the fleet into safe mode, and releases it, by a signed order alone', async () => {
    await verified();
    expect(await fleet.order({ action: 'enter', mode: 'safe', reason: 'drill' })).toBe('safe');
    await becomes('safe');
    const failures = fleet.status()?.failures.map(({ id }) => id) ?? [];
    await fleet.order({ action: 'release', failures, lockDigest: fleet.domain.lockDigest(), lockSequence: 1, reason: 'done' });
    await becomes('normal');
  });

  it('is nobody without the operator’s key', async () => {
    await verified();
    const forged = Buffer.from('{"payloadType":"application/vnd.smartlite.operator-order+json"}');
    await expect(fleet.peers.verifier.order({ signedOrder: forged }, {})).rejects.toMatchObject({ code: 'permission-denied' });
    expect(fleet.status()?.mode).toBe('normal');
  });
});

describe('two verifiers', () => {
  it('have one leader, whoever else comes or is killed', async () => {
    await verified({ environment: SHORT }, 'verifier-1');
    const leader = fleet.status()?.leader;
    const second = await fleet.start('verifier', 'verifier-2');
    await fleet.peers.verifier.verify({}, {});
    expect(new Set(fleet.statuses.map((status) => status.leader))).toEqual(new Set([leader]));
    await second.kill();
    await fleet.start('verifier', 'verifier-3');
    expect(fleet.status()?.leader).toBe(leader);
  });

  it('hand over: the killed leader is followed by a higher epoch that permits within the lease of its last status', async () => {
    fleet = await testFleet({ environment: SHORT });
    const first = await fleet.start('verifier', 'verifier-1');
    await becomes('normal');
    await fleet.start('verifier', 'verifier-2');
    const last = fleet.status();
    await first.kill();
    await expect.poll(() => fleet.status(), PATIENCE).toMatchObject({ leader: 'verifier-2', epoch: (last?.epoch ?? 0) + 1 });
    await becomes('normal');
    expect(fleet.statuses.every(({ mode }) => mode === 'normal')).toBe(true);
  });
});

describe('an alarm of an instance', () => {
  const alarm = () =>
    ({
      service: 'asr',
      instance: 'asr-1',
      store: storeId('another host', '/models'),
      artifact: 'ears-script',
      digest: null,
      code: 'DIGEST_MISMATCH',
      message: 'differs',
      lockDigest: fleet.domain.lockDigest(),
      raisedUnixMs: 0,
    }) as const;

  it('moves the fleet to safe at once, costs its author its place, and is released by a clean verification', async () => {
    await verified();
    const identity = await fleet.domain.identity('instance', 'asr-1');
    fleet.nats.publish(SUBJECTS.lockAlarm, signAlarm(alarm(), fleet.domain.keys.trust, identity));
    await becomes('safe');
    await expect.poll(() => fleet.status()?.quarantined, PATIENCE).toContain(identity.keyId);
    await becomes('normal');
    expect(fleet.status()?.quarantined).toContain(identity.keyId);
  });

  it('moves nobody when its signature does not hold', async () => {
    await verified();
    using other = await testDomain({ fleet: 'other-fleet' });
    const identity = await other.identity('instance', 'asr-1');
    fleet.nats.publish(SUBJECTS.lockAlarm, signAlarm(alarm(), other.keys.trust, identity));
    await fleet.nats.flush();
    expect(await fleet.peers.verifier.verify({}, {})).toMatchObject({ ok: true, mode: 'normal' });
    expect(fleet.statuses.map(({ mode }) => mode)).not.toContain('safe');
  });
});
