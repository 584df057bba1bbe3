import {
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
  type Notice,
  openNonceReply,
  openStatus,
  type Outcome,
  type RoleIdentity,
  signNotice,
} from '@smartlite/trust';
import type { Ids } from '../clock.ts';
import type { LockState, LockView, Metrics, Trail } from '../platform.ts';
import { rateLimit } from '../trail/ratelimit.ts';
import { Acker, type AckerParts } from './acker.ts';
import { AlarmBell, type AlarmBellParts, type LockAlarm } from './alarmbell.ts';
import { ModeNews } from './modenews.ts';

/** How often the guard looks at its clock: for questions that are due, and to tell listeners of a lease that ran out. */
const POLL_MS = 250;

/** `identity` is asked each time: certificates are renewed while the process runs. */
export interface GuardParts extends AckerParts, AlarmBellParts {
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly trail: Trail;
}

const EQUIVOCATION: LockAlarm = {
  artifact: '',
  code: 'EQUIVOCATION',
  message: 'a leader has signed two statuses that contradict each other',
  lockDigest: '',
};

/**
 * The shell around the pure guard of `trust`: hears statuses, asks for the leader's time, acks, raises alarms. `current` is the
 * gate that stands before every answer: it reads one pointer and one moment.
 */
export class LockGuard implements LockView {
  readonly #parts: GuardParts;
  readonly #ending = new AbortController();
  readonly #acker: Acker;
  readonly #bell: AlarmBell;
  readonly #news: ModeNews;
  readonly #mayWitness: () => { readonly allowed: boolean };
  readonly #mayLogRefusal: () => { readonly allowed: boolean; readonly suppressed: number };
  #state: GuardState;
  #asking = false;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#state = newGuard({ store: parts.store, keyId: parts.identity().keyId });
    this.#acker = new Acker(parts);
    this.#bell = new AlarmBell(parts, this.#ending.signal);
    this.#news = new ModeNews(parts, this.current());
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
    return this.#news.onChange(listener);
  }

  /** A message that claims to be a lock status. Anyone on the bus may have sent it. */
  hear(bytes: Uint8Array): void {
    this.#judge(() => applyStatus(this.#state, openStatus(bytes, this.#parts.trust, this.#parts.clock.nowMs()), this.#now()));
  }

  /** What is due by the clock: a question to the leader, news of a lease that ran out, the regular ack. */
  poll(): void {
    this.#tellIfChanged();
    if (this.#acker.due) this.#acknowledge();
    if (!this.#asking && needsNonce(this.#state, this.#now())) void this.#ask();
  }

  alarm(alarm: LockAlarm): void {
    const { trail, log } = this.#parts;
    if (!this.#bell.isNews(alarm)) return;
    const { artifact, code, message, lockDigest } = alarm;
    log.error('bytes on this host do not match the lock', { artifact, finding: code, message });
    this.#latch(alarm, []);
    trail.record('alarm.raised', { artifact, code, message, lockDigest });
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
        if (this.#mayWitness().allowed) for (const witness of outcome.witness) void this.#bell.carry(witness);
        return;
      case 'conflict':
        this.#latch(EQUIVOCATION, outcome.proof);
        return;
      case 'wants-nonce':
        if (!this.#asking && needsNonce(this.#state, this.#now())) void this.#ask();
        return;
      case 'ignored':
        return;
    }
  }

  #latch(alarm: LockAlarm, proof: readonly Uint8Array[]): void {
    const { id, signed } = this.#bell.sign(alarm, proof);
    this.#state = latchAlarm(this.#state, id, signed);
    this.#tellIfChanged();
    this.#acknowledge();
    this.#bell.ring(signed);
  }

  #acknowledge(held?: Uint8Array): void {
    this.#acker.send(this.current(), this.#state, this.#bell.open, held);
  }

  #tellIfChanged(): void {
    if (this.#news.tell(this.current())) this.#acknowledge();
  }

  #now(): Moment {
    const { clock } = this.#parts;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }
}
