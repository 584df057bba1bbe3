import { MODES, type ServiceName } from '@smartlite/contracts';
import {
  alarmId,
  applyNonceReply,
  applyStatus,
  beginNonce,
  encodeNonceRequest,
  type GuardState,
  latchAlarm,
  lockState,
  type Moment,
  needsNonce,
  newGuard,
  openNonceReply,
  openStatus,
  type Outcome,
  type RoleIdentity,
  type RoleTrust,
  type Notice,
  signAck,
  signAlarm,
  signNotice,
} from '@smartlite/trust';
import type { Clock, Ids } from '../clock.ts';
import type { LockState, LockView, Log, Metrics, Trail } from '../platform.ts';
import { rateLimit } from '../trail/ratelimit.ts';
import type { LockLink } from './link.ts';

/** How often the guard looks at its clock: for questions that are due, and to tell listeners of a lease that ran out. */
const POLL_MS = 250;
/** Acks go out on each change, and this often although nothing changes. */
const ACK_EVERY_MS = 10_000;
/** An alarm that the control log has not taken is sent again after this long. */
const RAISE_RETRY_MS = 500;
/** The same alarm again within this time is the same finding. The first is never held back. */
const ALARM_REPEAT_MS = 60_000;
/** Open alarms that an ack names at most. */
const ALARMS_NAMED_MAX = 64;

export interface GuardParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly region: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trail: Trail;
  readonly trust: RoleTrust;
  /** Asked each time: certificates are renewed while the process runs. */
  readonly identity: () => RoleIdentity;
  readonly store: string;
  readonly link: LockLink;
  /** Carries an alarm to the verifier by another way than the bus. May fail. */
  readonly alsoRaise?: (alarm: Uint8Array) => Promise<unknown>;
}

export type LockAlarm = Parameters<LockView['alarm']>[0];

/**
 * The shell around the pure guard of `trust`: hears statuses, asks for the leader's time, acks, raises alarms. `current` is the
 * gate that stands before every answer: it reads one pointer and one moment.
 */
export class LockGuard implements LockView {
  readonly #parts: GuardParts;
  readonly #listeners = new Set<(state: LockState) => void>();
  readonly #ending = new AbortController();
  readonly #raised = new Map<string, number>();
  readonly #openAlarms = new Set<string>();
  readonly #mayWitness: () => { readonly allowed: boolean };
  readonly #mayLogRefusal: () => { readonly allowed: boolean; readonly suppressed: number };
  #state: GuardState;
  #told: LockState;
  #ackedAtMs = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#state = newGuard({ store: parts.store, keyId: parts.identity().keyId });
    this.#told = this.current();
    this.#mayWitness = rateLimit(parts.clock, { burst: 1, perSecond: 1 });
    this.#mayLogRefusal = rateLimit(parts.clock, { burst: 5, perSecond: 0.2 });
  }

  /** Begins to listen and to ask. The retained status is a floor and a hint; nothing is permitted before the leader has answered. */
  start(): void {
    const { link } = this.#parts;
    const unsubscribe = link.onStatus((bytes) => this.hear(bytes));
    const timer = setInterval(() => this.poll(), POLL_MS);
    timer.unref();
    this.#ending.signal.addEventListener('abort', () => {
      unsubscribe();
      clearInterval(timer);
    });
    void link.lastStatus().then((bytes) => bytes && this.hear(bytes));
    this.poll();
  }

  stop(): void {
    this.#ending.abort();
  }

  current(): LockState {
    return lockState(this.#state, this.#now());
  }

  onChange(listener: (state: LockState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A message that claims to be a lock status. Anyone on the bus may have sent it. */
  hear(bytes: Uint8Array): void {
    this.#judge(() => applyStatus(this.#state, openStatus(bytes, this.#parts.trust, this.#parts.clock.nowMs()), this.#now()));
  }

  /** What is due by the clock: a question to the leader, news of a lease that ran out, the regular ack. */
  poll(): void {
    this.#tellIfChanged();
    if (this.#parts.clock.monotonicMs() - this.#ackedAtMs >= ACK_EVERY_MS) this.#acknowledge();
    if (!this.#asking && needsNonce(this.#state, this.#now())) void this.#ask();
  }

  alarm(alarm: LockAlarm): void {
    const { clock, trail, log } = this.#parts;
    const key = JSON.stringify([alarm.artifact, alarm.code, alarm.lockDigest]);
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.#raised.get(key) ?? Number.NEGATIVE_INFINITY) < ALARM_REPEAT_MS) return;
    this.#raised.set(key, nowMs);
    log.error('bytes on this host do not match the lock', {
      artifact: alarm.artifact,
      finding: alarm.code,
      message: alarm.message,
    });
    this.#latch(alarm, []);
    trail.record('alarm.raised', {
      artifact: alarm.artifact,
      code: alarm.code,
      message: alarm.message,
      lockDigest: alarm.lockDigest,
    });
  }

  /** This instance's own key, as it is now. */
  identity(): RoleIdentity {
    return this.#parts.identity();
  }

  /** Signs an event or alert of this instance; DSSE envelope, base64. */
  notice(notice: Notice, body: Uint8Array): string {
    const { trust, identity } = this.#parts;
    return Buffer.from(signNotice(notice, body, trust, identity())).toString('base64');
  }

  async #ask(): Promise<void> {
    const { ids, link, trust, clock } = this.#parts;
    const nonce = Buffer.from(ids.bytes(16)).toString('hex');
    this.#asking = true;
    // Noted before it is sent: the time line starts no later than that.
    this.#state = beginNonce(this.#state, nonce, this.#now());
    try {
      const reply = await link.askNonce(encodeNonceRequest(nonce));
      this.#judge(() => applyNonceReply(this.#state, openNonceReply(reply, trust, clock.nowMs()), this.#now()));
    } catch {
      // Nobody leads, or the bus is away: the lease decides meanwhile, and the poll asks again.
    } finally {
      this.#asking = false;
    }
  }

  #judge(judge: () => Outcome): void {
    const { log, metrics } = this.#parts;
    try {
      this.#follow(judge());
    } catch (error) {
      metrics.counter('lock_messages_refused_total', 'Lock messages that could not be believed.').inc();
      const pass = this.#mayLogRefusal();
      if (pass.allowed) log.warn('a lock message could not be believed', { error, unlogged: pass.suppressed });
    }
  }

  #follow(outcome: Outcome): void {
    this.#state = outcome.state;
    this.#tellIfChanged();
    switch (outcome.kind) {
      case 'applied':
        // The gate is shut and what was in flight is cut: listeners have been told above.
        if (outcome.changed) this.#acknowledge();
        return;
      case 'stale-epoch':
        if (this.#mayWitness().allowed) this.#acknowledge(outcome.held);
        return;
      case 'unresolved':
        if (this.#mayWitness().allowed) for (const witness of outcome.witness) void this.#raise(witness);
        return;
      case 'conflict':
        this.#latch(
          {
            artifact: '',
            code: 'EQUIVOCATION',
            message: 'a leader has signed two statuses that contradict each other',
            lockDigest: '',
          },
          outcome.proof,
        );
        return;
      case 'wants-nonce':
        if (!this.#asking && needsNonce(this.#state, this.#now())) void this.#ask();
        return;
      case 'ignored':
        return;
    }
  }

  #latch(alarm: LockAlarm, proof: readonly Uint8Array[]): void {
    const { service, instance, store, clock, trust, identity } = this.#parts;
    const signed = signAlarm(
      {
        service,
        instance,
        store,
        artifact: alarm.artifact,
        digest: null,
        code: alarm.code,
        message: alarm.message,
        lockDigest: alarm.lockDigest || null,
        raisedUnixMs: clock.nowMs(),
        ...(proof.length > 0 && { proof: proof.map((bytes) => Buffer.from(bytes).toString('base64')) }),
      },
      trust,
      identity(),
    );
    this.#openAlarms.add(alarmId(signed));
    this.#state = latchAlarm(this.#state, alarmId(signed), signed);
    this.#tellIfChanged();
    this.#acknowledge();
    void this.#raise(signed);
    this.#parts.alsoRaise?.(signed).catch(() => {
      // The control log is the way that counts, and is tried until it holds the alarm.
    });
  }

  /** Repeated until the control log has it. */
  async #raise(alarm: Uint8Array): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        await this.#parts.link.raise(alarm);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RAISE_RETRY_MS).unref());
      }
    }
  }

  #acknowledge(held?: Uint8Array): void {
    const { service, instance, region, clock, trust, identity, link, log } = this.#parts;
    this.#ackedAtMs = clock.monotonicMs();
    const { mode } = this.current();
    const status = this.#state.applied?.status;
    const ack = {
      service,
      instance,
      region,
      mode,
      generation: trust.generation,
      epoch: status?.epoch ?? 0,
      revision: status?.revision ?? 0,
      beat: status?.beat ?? 0,
      lockDigest: status?.lockDigest ?? null,
      appliedUnixMs: Math.floor(clock.nowMs()),
      openAlarms: [...this.#openAlarms].filter((id) => this.#state.latches.has(id)).slice(-ALARMS_NAMED_MAX),
      ...(held && { held: Buffer.from(held).toString('base64') }),
    };
    try {
      link.acknowledge(signAck(ack, trust, identity()));
    } catch (error) {
      log.warn('an ack could not be sent', { error });
    }
  }

  /** Listeners are told once for each change of what may run; a mere renewal is none. */
  #tellIfChanged(): void {
    const state = this.current();
    if (sameVerdict(this.#told, state)) return;
    const from = this.#told;
    this.#told = state;
    if (from.mode !== state.mode || from.local !== state.local) this.#report(from, state);
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        this.#parts.log.error('a listener to the lock state failed', { error });
      }
    }
  }

  #report(from: LockState, { mode, local, reasons, order }: LockState): void {
    const { log, trail, metrics } = this.#parts;
    metrics.counter('lock_mode_changes_total', 'Changes of the mode in force here.', ['mode']).inc({ mode });
    const inForce = metrics.gauge('lock_mode', '1 for the mode in force here, 0 for the others.', ['mode']);
    for (const each of MODES) inForce.set({ mode: each }, each === mode ? 1 : 0);
    log.info('the mode has changed', { from: from.mode, mode, local, reasons, order });
    try {
      trail.record('mode.changed', { from: from.mode, to: mode, local, reasons, order });
    } catch (error) {
      // The gate must not depend on the trail.
      log.error('a change of mode could not be recorded', { error });
    }
    if (local && mode === 'safe') this.#acknowledge();
  }

  #now(): Moment {
    const { clock } = this.#parts;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }
}

function sameVerdict(a: LockState, b: LockState): boolean {
  if (a.mode !== b.mode || a.local !== b.local || a.epoch !== b.epoch || a.lockDigest !== b.lockDigest) return false;
  return (
    JSON.stringify([a.refusedArtifacts, a.substitutions, a.reasons]) ===
    JSON.stringify([b.refusedArtifacts, b.substitutions, b.reasons])
  );
}
