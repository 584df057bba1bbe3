import { type Clock, type Log } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import type { LedgerLog } from './engine.ts';
import type { Command } from './entry.ts';
import type { Holder } from './limits.ts';
import type { Ledger, Outcome, UsageLine } from './ledger.ts';

/** A decision that has not come back through the log by then is reported as unavailable; its entry may still count. */
const DECISION_WAIT_MS = 2_000;
/** Most decisions under way in one replica. Beyond, callers are told to try again: the log is slower than they are. */
const DECISIONS_MAX = 10_000;
/** A replica's memory of outcomes that nobody asked for yet: those that come back before the append's own answer. */
const EARLY_OUTCOMES_MAX = DECISIONS_MAX;

/**
 * Decides by the log alone: appends the command, folds up to its own entry, and answers with the fold's outcome there. So replicas
 * need no lock and no lease between them, and any of them may be killed at any time (protocols 0.1).
 */
export class Accountant {
  readonly #ledger: Ledger;
  readonly #log: LedgerLog;
  readonly #clock: Clock;
  readonly #author: { readonly replica: string; readonly boot: number };
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #early = new Map<number, Outcome>();
  #underWay = 0;
  #folded = 0;

  constructor(ledger: Ledger, log: LedgerLog, clock: Clock, author: { readonly replica: string; readonly boot: number }) {
    this.#ledger = ledger;
    this.#log = log;
    this.#clock = clock;
    this.#author = author;
  }

  /** Folds the log from its first entry on; resolves when all that was there at the call is folded. Goes on until the signal. */
  async open(signal: AbortSignal, log: Log): Promise<void> {
    const end = await this.#log.end();
    const { promise: caughtUp, resolve, reject } = Promise.withResolvers<void>();
    const following = this.#log.follow(({ authored, position, streamMs }) => {
      if (authored) this.#settleWait(position, authored.replica, this.#ledger.apply(authored, position, streamMs));
      else log.error('an entry of the ledger does not parse and is skipped', { position });
      this.#folded = position;
      if (position >= end) resolve();
    }, signal);
    following.then(resolve, reject);
    if (end === 0) resolve();
    await caughtUp;
  }

  /** Throws `budget-unavailable` when the log does not answer in time: never free, never guessed (5.3). */
  async decide(command: Command): Promise<Outcome> {
    if (this.#underWay >= DECISIONS_MAX) throw unavailable('too many decisions are under way');
    this.#underWay += 1;
    try {
      const position = await this.#append(command);
      const early = this.#early.get(position);
      this.#early.delete(position);
      return early ?? (await this.#outcomeAt(position));
    } finally {
      this.#underWay -= 1;
    }
  }

  usage(holder: Holder): readonly UsageLine[] {
    return this.#ledger.usage(holder, this.#clock.nowMs());
  }

  get folded(): number {
    return this.#folded;
  }

  get underWay(): number {
    return this.#underWay;
  }

  async #append(command: Command): Promise<number> {
    try {
      return await this.#log.append({ ...this.#author, atMs: this.#clock.nowMs(), command });
    } catch (cause) {
      throw unavailable('the ledger did not take the entry', cause);
    }
  }

  #outcomeAt(position: number): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const timer = setTimeout(() => {
      this.#waiting.delete(position);
      reject(unavailable('the ledger did not answer in time'));
    }, DECISION_WAIT_MS);
    this.#waiting.set(position, (outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
    return promise;
  }

  /** An own entry can come back through the log before the append's acknowledgement does: its outcome is kept for a while. */
  #settleWait(position: number, replica: string, outcome: Outcome): void {
    if (replica !== this.#author.replica) return;
    const waiter = this.#waiting.get(position);
    this.#waiting.delete(position);
    if (waiter) return waiter(outcome);
    this.#early.set(position, outcome);
    const [oldest] = this.#early.keys();
    if (this.#early.size > EARLY_OUTCOMES_MAX && oldest !== undefined) this.#early.delete(oldest);
  }
}

function unavailable(message: string, cause?: unknown): MeshError {
  return new MeshError('budget-unavailable', `${message}; nothing was granted here, repeat with the same key`, {
    cause,
    retryAfterMs: 1_000,
  });
}
