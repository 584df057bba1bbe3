import { randomBytes } from 'node:crypto';
import { MeshError, STREAMS, SUBJECTS } from '@smartlite/contracts';
import {
  applyNonceReply,
  applyStatus,
  beginNonce,
  encodeNonceRequest,
  type GuardState,
  type GuardView,
  lockState,
  type Moment,
  needsNonce,
  newGuard,
  openNonceReply,
  openStatus,
  type Outcome,
  type RoleTrust,
} from '@smartlite/trust';
import type { NatsConnection } from 'nats';

/** How often the guard looks at its clock: for questions that are due, and to tell of a lease that ran out. */
const POLL_MS = 250;
/** The leader answers within milliseconds; the next question follows soon. */
const NONCE_TIMEOUT_MS = 1_000;

/**
 * The lock's gate for a service of one's own: the same pure decision that stands before every answer of the mesh. It permits only while
 * a signed, fresh status of the leading verifier does. It raises no alarms and sends no acks, for it has no identity in the fleet.
 */
export class MeshGuard {
  readonly #nats: NatsConnection;
  readonly #trust: RoleTrust;
  readonly #listeners = new Set<(view: GuardView) => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #state: GuardState = newGuard({ store: '', keyId: '' });
  #told: GuardView;
  #asking = false;

  constructor(nats: NatsConnection, trust: RoleTrust) {
    this.#nats = nats;
    this.#trust = trust;
    this.#told = this.current();
    const statuses = nats.subscribe(SUBJECTS.lockStatus, {
      callback: (failure, { data }) => failure === null && this.#hear(data),
    });
    this.#stopListening = () => statuses.unsubscribe();
    this.#timer = setInterval(() => this.#poll(), POLL_MS);
    this.#timer.unref();
    void this.#retained();
    this.#poll();
  }

  /** What is in force at this moment, the lease included: one pointer and one clock are read. */
  current(): GuardView {
    return lockState(this.#state, now());
  }

  /** Whether anything may be answered at this moment. To be asked before each piece that leaves. */
  permits(): boolean {
    return this.current().mode === 'normal';
  }

  /** Throws `safe-mode`, `halted` or `starting` where nothing may be answered. */
  require(): void {
    const refusal = refusalOf(this.current());
    if (refusal !== undefined) throw refusal;
  }

  /** Called after each change; returns how to stop listening. */
  onChange(listener: (view: GuardView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs work that only a proven fleet may do: refused outside normal mode, its signal aborted as soon as that ends, its result then refused. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.require();
    const cut = new AbortController();
    const stop = this.onChange((view) => {
      const refusal = refusalOf(view);
      if (refusal !== undefined) cut.abort(refusal);
    });
    try {
      const result = await work(cut.signal);
      cut.signal.throwIfAborted();
      this.require();
      return result;
    } finally {
      stop();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopListening();
  }

  #hear(bytes: Uint8Array): void {
    this.#judge(() => applyStatus(this.#state, openStatus(bytes, this.#trust, Date.now()), now()));
  }

  #poll(): void {
    this.#tellIfChanged();
    if (!this.#asking && needsNonce(this.#state, now())) void this.#ask();
  }

  async #retained(): Promise<void> {
    try {
      const manager = await this.#nats.jetstreamManager({ checkAPI: false });
      this.#hear((await manager.streams.getMessage(STREAMS.lock, { last_by_subj: SUBJECTS.lockStatus })).data);
    } catch {
      // None yet, or JetStream is away: the broadcast or a nonce reply brings it.
    }
  }

  async #ask(): Promise<void> {
    const nonce = randomBytes(16).toString('hex');
    this.#asking = true;
    // Noted before it is sent: the leader's time line starts no later than that.
    this.#state = beginNonce(this.#state, nonce, now());
    try {
      const { data } = await this.#nats.request(SUBJECTS.lockNonce, encodeNonceRequest(nonce), { timeout: NONCE_TIMEOUT_MS });
      this.#judge(() => applyNonceReply(this.#state, openNonceReply(data, this.#trust, Date.now()), now()));
    } catch {
      // Nobody leads, or the bus is away: the lease decides meanwhile, and the poll asks again.
    } finally {
      this.#asking = false;
    }
  }

  #judge(judge: () => Outcome): void {
    let outcome: Outcome;
    try {
      outcome = judge();
    } catch {
      return; // Not signed by this fleet.
    }
    this.#state = outcome.state;
    this.#tellIfChanged();
    if (outcome.kind === 'wants-nonce') this.#poll();
  }

  #tellIfChanged(): void {
    const view = this.current();
    const same = view.mode === this.#told.mode && view.local === this.#told.local && view.lockDigest === this.#told.lockDigest;
    this.#told = view;
    if (!same) for (const listener of this.#listeners) listener(view);
  }
}

function refusalOf({ mode, reasons }: GuardView): MeshError | undefined {
  if (mode === 'normal') return undefined;
  const because = reasons[0] ?? 'no reason given';
  return new MeshError(mode === 'safe' ? 'safe-mode' : mode, `the mesh is in mode ${mode}: ${because}`, {
    facts: { mode, because },
  });
}

function now(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}
