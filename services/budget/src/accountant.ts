import { afterPatience, type Clock, type Log } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import type { RoleIdentity, RoleTrust } from '@smartlite/trust';
import type { LedgerLog, Logged } from './engine.ts';
import type { Command } from './entry.ts';
import { judgeBy } from './judge.ts';
import { Ledger, type UsageLine } from './ledger.ts';
import type { Holder } from './limits.ts';
import { Notary } from './notary.ts';
import type { Outcome } from './outcome.ts';
import { entriesOf } from './page.ts';
import { Scribe } from './scribe.ts';
import { openSnapshot, sealSnapshot } from './snapshot.ts';
import type { PackLimits } from './terms.ts';

/** A decision that has not come back through the log by then is reported as unavailable; its entry may still count. */
const DECISION_WAIT_MS = 2_000;
/** Most decisions under way in one replica. Beyond, callers are told to try again: the log is slower than they are. */
const DECISIONS_MAX = 10_000;
/** How often ended reservations are looked for. */
const TIDY_MS = 1_000;
/** Between attempts to write the entries that a replica begins with. */
const BEGIN_RETRY_MS = 500;

export interface AccountantParts {
  readonly log: LedgerLog;
  readonly clock: Clock;
  readonly replica: string;
  /** Signs what this replica writes. */
  readonly identity: () => RoleIdentity;
  /** By which everybody's pages and operators' orders are judged. */
  readonly trust: RoleTrust;
  /** Limits of this replica's own pack: brought into the log when newer than those in force. */
  readonly pack: PackLimits;
  /** Positions of the log from one snapshot to the next. */
  readonly snapshotEvery: number;
  /** For a log that has none yet. */
  readonly newIncarnation: () => string;
  readonly journal: Log;
  /** Told that the log is not the one that was read before. */
  readonly onLost: (lastPosition: number) => void;
  /** Told of each message that nobody's budget has signed. It changes nothing. */
  readonly onForeign: (position: number, because: string) => void;
}

interface Waiter {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: MeshError) => void;
}

/**
 * Decides by the log alone: appends the command, folds up to its own entry, and answers with the fold's outcome there. So replicas
 * need no lock and no lease between them, and any of them may be killed at any time.
 */
export class Accountant {
  readonly #parts: AccountantParts;
  /** By the counter of the entry: positions may come twice, after a lost tail. */
  readonly #waiting = new Map<number, Waiter>();
  readonly #scribe: Scribe;
  #notary: Notary;
  #ledger: Ledger;
  #boot = 0;
  #counter = 0;
  #folded = 0;
  #ready = false;
  #lost: { readonly position: number; readonly incarnation: string } | undefined;
  #ticking = false;
  /** The ledger that the first entries are being written for. */
  #entering: Ledger | undefined;

  constructor(parts: AccountantParts) {
    this.#parts = parts;
    this.#scribe = new Scribe(parts);
    this.#notary = new Notary(parts.trust);
    this.#ledger = new Ledger(judgeBy(parts.trust));
  }

  /** Folds the log from its first entry on; resolves when this replica can decide. Goes on until the signal. */
  open(signal: AbortSignal): Promise<void> {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const reader = {
      page: (logged: Logged) => this.#fold(logged),
      restore: (snapshot: Uint8Array) => this.#restore(snapshot),
      caughtUp: () => void this.#begin(signal).then(() => this.#ready && resolve()),
      lost: (lastPosition: number) => this.#forget(lastPosition),
    };
    void this.#parts.log.follow(reader, signal);
    const tidying = setInterval(() => void this.#tick(), TIDY_MS);
    signal.addEventListener('abort', () => clearInterval(tidying), { once: true });
    return opened;
  }

  /** Throws `budget-unavailable` when the log does not answer in time: never free, never guessed. */
  async decide(command: Command): Promise<Outcome> {
    if (!this.#ready) throw unavailable('the ledger is being read');
    return this.#decide(command);
  }

  usage(holder: Holder): readonly UsageLine[] {
    if (!this.#ready) throw unavailable('the ledger is being read');
    return this.#ledger.usage(holder, this.#parts.clock.nowMs());
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Position of the newest entry that is folded. */
  get folded(): number {
    return this.#folded;
  }

  get underWay(): number {
    return this.#waiting.size;
  }

  #decide(command: Command): Promise<Outcome> {
    if (this.#waiting.size >= DECISIONS_MAX) throw unavailable('too many decisions are under way');
    const counter = (this.#counter += 1);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const stopWaiting = afterPatience(DECISION_WAIT_MS, () => reject(unavailable('the ledger did not answer in time')));
    this.#waiting.set(counter, { resolve, reject });
    const incarnation = this.#ledger.incarnation ?? this.#parts.newIncarnation();
    const failed = (cause: unknown) => reject(unavailable('the ledger did not take the entry', cause));
    this.#scribe.write({ head: { incarnation, boot: this.#boot }, counter, command, failed });
    return promise.finally(() => {
      stopWaiting();
      this.#waiting.delete(counter);
    });
  }

  #fold({ sealed, position, digest, streamMs }: Logged): void {
    this.#folded = position;
    this.#ledger.see(position);
    const page = this.#notary.open(sealed, streamMs);
    if ('refused' in page) return this.#parts.onForeign(position, page.refused);
    const own = page.replica === this.#parts.replica && page.boot === this.#boot;
    if (own) this.#scribe.shown(sealed.seal?.certificates);
    for (const entry of entriesOf(page)) {
      const outcome = this.#ledger.apply(entry, position, streamMs);
      if (own) this.#waiting.get(entry.counter)?.resolve(outcome);
    }
    if (own && position % this.#parts.snapshotEvery === 0) this.#keep(position, digest);
  }

  /** Whoever wrote the page at a round position takes the snapshot: one of all, though nobody is chosen. */
  #keep(position: number, digest: string): void {
    const { log, clock, replica, identity, journal } = this.#parts;
    const ledger = this.#ledger.dump();
    if (!ledger) return;
    const snapshot = { position, digest, replica, atMs: clock.nowMs(), ledger, notary: this.#notary.dump() };
    log
      .keep(sealSnapshot(snapshot, identity()), position)
      .catch((caught: unknown) => journal.warn('a snapshot of the ledger was not kept', { position, because: String(caught) }));
  }

  #restore(bytes: Uint8Array): { readonly position: number; readonly digest: string } | undefined {
    const { trust, journal } = this.#parts;
    try {
      const { position, digest, ledger, notary } = openSnapshot(bytes, trust);
      this.#ready = false;
      this.#ledger = new Ledger(judgeBy(trust), [], ledger);
      this.#notary = new Notary(trust, notary);
      this.#folded = position;
      return { position, digest };
    } catch (caught) {
      journal.error('a snapshot of the ledger is refused', { because: MeshError.from(caught).message, cause: String(caught) });
      return undefined;
    }
  }

  /** What is known was another log's. Nothing is decided until the new one is read. */
  #forget(lastPosition: number): void {
    this.#parts.onLost(lastPosition);
    this.#lost = { position: this.#folded, incarnation: this.#ledger.incarnation ?? '' };
    this.#ready = false;
    this.#ledger = new Ledger(judgeBy(this.#parts.trust));
    this.#notary = new Notary(this.#parts.trust);
    this.#scribe.forget();
    this.#folded = 0;
    for (const { reject } of this.#waiting.values()) reject(unavailable('the ledger has lost entries'));
  }

  /** A replica's first entries: each is harmless when it comes twice. */
  async #begin(signal: AbortSignal): Promise<void> {
    const ledger = this.#ledger;
    if (this.#entering === ledger) return;
    this.#entering = ledger;
    while (!signal.aborted && this.#ledger === ledger) {
      try {
        await this.#enter();
        this.#ready = this.#ledger === ledger;
        return;
      } catch (caught) {
        this.#parts.journal.warn('the ledger cannot be entered yet', { because: MeshError.from(caught).message });
        await new Promise((resolve) => setTimeout(resolve, BEGIN_RETRY_MS));
      }
    }
  }

  async #enter(): Promise<void> {
    const { clock, replica, pack } = this.#parts;
    // A clock that was set back must not make this life an older one.
    this.#boot = Math.max(clock.nowMs(), this.#boot, (this.#ledger.boot(replica) ?? -1) + 1);
    if (this.#ledger.incarnation === undefined) await this.#decide({ kind: 'begin' });
    if (this.#ledger.incarnation === undefined) throw unavailable('the head of the ledger is missing');
    const lost = this.#lost;
    if (lost) await this.#decide({ kind: 'recover', lostPosition: lost.position, lostIncarnation: lost.incarnation });
    this.#lost = undefined;
    if (this.#ledger.isNewer(pack)) await this.#decide({ kind: 'adopt-limits', ...pack });
  }

  /** Where nobody else writes, the ledger's time stands still, and what has ended would stay held. */
  async #tick(): Promise<void> {
    const next = this.#ready ? this.#ledger.nextExpiryMs() : undefined;
    if (next === undefined || next >= this.#parts.clock.nowMs() || this.#ticking) return;
    this.#ticking = true;
    await this.#decide({ kind: 'tick' }).catch(() => undefined);
    this.#ticking = false;
  }
}

function unavailable(message: string, cause?: unknown): MeshError {
  return new MeshError('budget-unavailable', `${message}; nothing was granted here, repeat with the same key`, {
    cause,
    retryAfterMs: 1_000,
  });
}
