import { describe, expect, it } from 'vitest';
import { asVerified } from '../verified.ts';
import type { SignedAlarm } from './alarm.ts';
import { foldControl } from './control.ts';
import { type ControlState, emptyControl } from './controlstate.ts';
import type { ControlBody, ControlMessage } from './entry.ts';
import type { FailureFact } from './failure.ts';
import type { SignedOrder } from './operator.ts';
import { controlMode, whyNotReleasable } from './release.ts';

const LOCK = 'sha256:'.concat('a'.repeat(64));
const AUTHOR = { author: 'verifier-1', boot: 'b'.repeat(32) };
const DWELL_MS = 5_000;

/** A control log written by hand: one verifier, `disk-1` its store, one second between two messages. */
class Log {
  state: ControlState = emptyControl();
  #position = 0;
  #atMs = 1_000_000;

  append(message: ControlMessage, afterMs = 1_000): this {
    this.#position += 1;
    this.#atMs += afterMs;
    this.state = foldControl(this.state, { position: this.#position, atMs: this.#atMs, lasting: true, digest: '00', message });
    return this;
  }

  write(body: ControlBody, { incarnation = 'c'.repeat(64), afterMs = 1_000 } = {}): this {
    const entry = { fleet: 'fleet', generation: 1, incarnation, ...AUTHOR, counter: this.#position + 1, body };
    return this.append({ kind: 'entry', entry, keyId: 'key-1' }, afterMs);
  }

  verify(store = 'disk-1', standing: readonly string[] = []): this {
    const verification = String(this.#position).padStart(32, '0');
    return this.write({ kind: 'begin', verification, store }).write(end(verification, store, standing));
  }

  release(): this {
    return this.write({ kind: 'release', epoch: 1, lockDigest: LOCK, lockSequence: 7, mismatch: 'safe' });
  }
}

const end = (verification: string, store: string, standing: readonly string[]): ControlBody => ({
  kind: 'end',
  verification,
  store,
  lockDigest: LOCK,
  lockSequence: 7,
  standing: [...standing],
});

/** Opened, led, verified and released. */
function serving(): Log {
  const log = new Log().write({ kind: 'open', leadMs: 60_000, dwellMs: DWELL_MS });
  return log.write({ kind: 'campaign', epoch: 1, store: 'disk-1' }).verify().release();
}

const failure = (id: string, more: Partial<FailureFact> = {}): ControlBody => ({
  kind: 'failure',
  failure: {
    id: id.repeat(64),
    effect: 'safe',
    operator: false,
    store: 'disk-1',
    artifact: 'ears',
    digest: null,
    code: 'DIGEST_MISMATCH',
    message: '',
    ...more,
  },
});

function alarm(lockDigest: string, { id = 'e'.repeat(64), store = 'disk-9' } = {}): ControlMessage {
  const told = { store, artifact: 'ears', digest: null, code: 'DIGEST_MISMATCH', message: '', lockDigest };
  const signed = { alarm: told, id, keyId: 'key-of-asr' } as unknown as SignedAlarm;
  return { kind: 'alarm', signed: asVerified(signed), conflict: null };
}

function releaseOrder(failures: readonly string[], id = 'order-1'): ControlMessage {
  const order = { action: 'release', failures, lockDigest: LOCK, lockSequence: 7, notAfterUnixMs: Number.MAX_SAFE_INTEGER };
  return { kind: 'order', signed: asVerified({ order, id, envelope: Buffer.of() } as unknown as SignedOrder) };
}

describe('the fold of a control log that permits serving', () => {
  it('is safe from the place of a failure on, and stays so under a release that nothing has earned', () => {
    const log = serving();
    expect(controlMode(log.state)).toBe('normal');
    expect(controlMode(log.write(failure('1')).state)).toBe('safe');
    expect(controlMode(log.release().state)).toBe('safe');
  });

  it('does not let the clean verification of one store speak for another', () => {
    const log = serving().write(failure('1', { store: 'disk-2' }));
    log.verify('disk-1');
    expect(whyNotReleasable(log.state, LOCK)).toBe('failures are open');
    log.verify('disk-2').write({ kind: 'beat', epoch: 1, number: 1 }, { afterMs: DWELL_MS });
    expect(whyNotReleasable(log.state, LOCK)).toBeNull();
  });

  it('does not count a verification whose first byte is older than the failure', () => {
    const verification = 'd'.repeat(32);
    const log = serving().write({ kind: 'begin', verification, store: 'disk-1' });
    log.write(failure('1')).write(end(verification, 'disk-1', []));
    expect(whyNotReleasable(log.state, LOCK)).toBe('failures are open');
  });

  it('counts the bytes of a verification from the first of two entries that begin it', () => {
    const verification = 'd'.repeat(32);
    const begin = { kind: 'begin', verification, store: 'disk-1' } as const;
    const log = serving()
      .write(begin)
      .write(failure('1'))
      .write(begin)
      .write(end(verification, 'disk-1', []));
    expect(whyNotReleasable(log.state, LOCK)).toBe('failures are open');
  });

  it('closes the failures of a store that is gone by its quarantine, by the leader alone', () => {
    const gone = { kind: 'quarantine', store: 'disk-2', because: 'silent' } as const;
    const log = serving().write(failure('1', { store: 'disk-2' }));
    log.write({ ...gone, epoch: 2 }).verify();
    expect(whyNotReleasable(log.state, LOCK)).toBe('failures are open');
    log
      .write({ ...gone, epoch: 1 })
      .verify()
      .write({ kind: 'beat', epoch: 1, number: 1 }, { afterMs: DWELL_MS });
    expect(whyNotReleasable(log.state, LOCK)).toBeNull();
  });

  it('doubles the rest with each failure of one subject within an hour, and leaves the fourth to an operator', () => {
    const log = serving();
    const rests: number[] = [];
    for (const id of ['1', '2', '3', '4']) {
      log.write(failure(id));
      rests.push(log.state.dwellUntilMs - log.state.logMs);
      if (id !== '4') log.verify();
    }
    expect(rests).toEqual([1, 2, 4, 8].map((times) => times * DWELL_MS));
    log.verify();
    expect(whyNotReleasable(log.state, LOCK)).toBe('failures are open');
  });

  it('takes no entry of another incarnation of the log, and none twice', () => {
    const log = serving().write(failure('1'), { incarnation: 'f'.repeat(64) });
    expect(controlMode(log.state)).toBe('normal');
    const entry = { fleet: 'fleet', generation: 1, incarnation: 'c'.repeat(64), ...AUTHOR, counter: 1, body: failure('1') };
    expect(controlMode(log.append({ kind: 'entry', entry, keyId: 'key-1' }).state)).toBe('normal');
  });

  it('is moved by nobody’s alarm about a lock that is not in force', () => {
    const log = serving();
    expect(controlMode(log.append(alarm('sha256:'.concat('0'.repeat(64)))).state)).toBe('normal');
    expect(log.state.quarantined.size).toBe(0);
    const heeded = serving().append(alarm(LOCK));
    expect(controlMode(heeded.state)).toBe('safe');
    expect([...heeded.state.quarantined.keys()]).toEqual(['key-of-asr']);
  });
});

describe('a flood of alarms by one author, on the store of a verifier', () => {
  const FLOOD = 1_000;
  const nth = (index: number) => String(index).padStart(64, '0');
  const flooded = () => {
    const log = serving().write(failure('1')).verify();
    for (let index = 0; index < FLOOD; index += 1) log.append(alarm(LOCK, { id: nth(index), store: 'disk-1' }), 1);
    return log;
  };

  it('costs one check: however many it sends, one clean verification behind the first ones ends it', () => {
    const log = flooded();
    expect(controlMode(log.state)).toBe('safe');
    const { lastFailure } = log.state;
    log.verify().write({ kind: 'beat', epoch: 1, number: 1 }, { afterMs: 2 * DWELL_MS });
    expect(whyNotReleasable(log.state, LOCK)).toBeNull();
    for (let index = FLOOD; index < 2 * FLOOD; index += 1) log.append(alarm(LOCK, { id: nth(index), store: 'disk-1' }), 1);
    expect(log.state.lastFailure).toBe(lastFailure);
    expect(controlMode(log.release().state)).toBe('normal');
  });

  it('is remembered within bounds, and pushes nobody else’s failure out of the log’s memory', () => {
    const { failures } = flooded().state;
    expect(failures.size).toBeLessThan(100);
    expect(failures.has('1'.repeat(64))).toBe(true);
  });

  it('makes no new decision: the failures that a status is made of stay the very same', () => {
    const log = flooded();
    const { failures, quarantined } = log.state;
    log.append(alarm(LOCK, { id: nth(FLOOD), store: 'disk-1' }), 1);
    for (const index of [3, 4, 3, 4]) log.append(alarm(LOCK, { id: nth(index), store: 'disk-1' }), 1);
    expect(log.state.failures).toBe(failures);
    expect(log.state.quarantined).toBe(quarantined);
  });

  it('leaves room for an honest author: a minute later its alarm is noted, and resolved', () => {
    const log = flooded().append(alarm(LOCK, { id: 'f'.repeat(64), store: 'disk-1' }), 60_000);
    expect(log.state.failures.get('f'.repeat(64))).toMatchObject({ closed: true, fact: { effect: 'tolerated' } });
  });
});

describe('the fold of a control log that is halted', () => {
  it('is left by an operator’s release of this very failure, which counts once', () => {
    const log = serving()
      .write(failure('1', { effect: 'halted' }))
      .verify();
    expect(controlMode(log.state)).toBe('halted');
    expect(controlMode(log.append(releaseOrder(['2'.repeat(64)], 'other')).state)).toBe('halted');
    log.append(releaseOrder(['1'.repeat(64)])).write({ kind: 'beat', epoch: 1, number: 1 }, { afterMs: DWELL_MS });
    expect(whyNotReleasable(log.verify().state, LOCK)).toBeNull();
    log.write(failure('1', { effect: 'halted', id: '3'.repeat(64) })).append(releaseOrder(['3'.repeat(64)]));
    expect(controlMode(log.state)).toBe('halted');
  });
});
