import { type ControlState, elapsedMs, type FailureFact, type Moment } from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { passes, type Report } from './report.ts';
import { LOST_AFTER_MS } from './self.ts';

/** The full verifications of the own store: when one is due, where in the log it began, and what it has seen. */
export class Examination {
  readonly #store: string;
  readonly #unsafeEveryMs: number;
  readonly #newId: () => string;
  #report: Report | null = null;
  /** `begun` once its entry has come back from the log. */
  #verifying: { readonly id: string; readonly begun: boolean; readonly askedAt: Moment } | null = null;
  /** Its `end` is on its way to the log. */
  #ended: { readonly id: string; readonly at: Moment } | null = null;
  #begun = 0;
  #wanted = true;
  /** Position up to which failures are older than the last verification's first byte, or were found by it. */
  #examinedTo = 0;
  #found: ReadonlySet<string> = new Set();
  #lastEndAt: Moment | null = null;

  constructor(store: string, unsafeEveryMs: number, newId: () => string) {
    this.#store = store;
    this.#unsafeEveryMs = unsafeEveryMs;
    this.#newId = newId;
  }

  get report(): Report | null {
    return this.#report;
  }
  /** How many have begun; each is numbered by it. */
  get begun(): number {
    return this.#begun;
  }

  want(): void {
    this.#wanted = true;
  }

  /** The log is another one: everything is proven anew. */
  startOver(): void {
    this.#verifying = null;
    this.#ended = null;
    this.#wanted = true;
    this.#examinedTo = 0;
  }

  /** Begins a full verification where something is newer than the last one. */
  beginIfDue(control: ControlState, now: Moment): Act[] {
    if (control.incarnation === null || !(this.#verifying === null ? this.#isDue(control, now) : this.#beginIsLost(now)))
      return [];
    this.#wanted = this.#wanted && this.#verifying !== null;
    this.#ended = null;
    // The same one again: should both come, the first counts.
    this.#verifying = { id: this.#verifying?.id ?? this.#newId().slice(0, 32), begun: false, askedAt: now };
    return [append({ kind: 'begin', verification: this.#verifying.id, store: this.#store })];
  }

  /** A `begin` of this boot stands in the log. */
  sawBegin(verification: string, position: number): Act[] {
    // A lost acknowledgement makes a second copy: bytes count from the first, and what came between the two is still to be examined.
    if (this.#verifying?.id !== verification || this.#verifying.begun) return [];
    this.#verifying = { ...this.#verifying, begun: true };
    this.#begun += 1;
    this.#examinedTo = position;
    return [{ kind: 'verify', verification }];
  }

  /** An `end` of this boot stands in the log. */
  sawEnd(verification: string): void {
    if (this.#ended?.id === verification) this.#ended = null;
  }

  /** A failure of this boot stands in the log. What the last verification has found itself is no reason for another one. */
  sawOwnFailure(id: string, position: number, lastFailureBefore: number): void {
    if (this.#found.has(id) && lastFailureBefore <= this.#examinedTo) this.#examinedTo = position;
  }

  /** A verification has ended; false where it is not the one under way. */
  end(verification: string, report: Report, now: Moment): boolean {
    if (this.#verifying?.id !== verification) return false;
    this.#verifying = null;
    this.#ended = { id: verification, at: now };
    this.#lastEndAt = now;
    this.#report = report;
    return true;
  }

  /** Failures that the last verification was the first to see. */
  foundFirst(news: readonly FailureFact[]): void {
    this.#found = new Set(news.map(({ id }) => id));
  }

  #isDue(control: ControlState, now: Moment): boolean {
    if (this.#wanted || this.#endIsLost(now)) return true;
    return this.#hasNewFailure(control) || this.#isOverdue(now) || this.#hasExpired(now);
  }

  #beginIsLost(now: Moment): boolean {
    return this.#verifying !== null && !this.#verifying.begun && elapsedMs(this.#verifying.askedAt, now) >= LOST_AFTER_MS;
  }

  #endIsLost(now: Moment): boolean {
    return this.#ended !== null && elapsedMs(this.#ended.at, now) >= LOST_AFTER_MS;
  }

  #hasNewFailure({ failures, lastFailure }: ControlState): boolean {
    if (lastFailure > this.#examinedTo) return true;
    return [...failures.values()].some(
      (record) => !record.closed && record.fact.store === this.#store && record.position > this.#examinedTo,
    );
  }

  /** What the last verification proved holds no longer than lock and key: past their end it is made again, once, and its outcome decides. */
  #hasExpired({ wallMs }: Moment): boolean {
    if (!this.#report || this.#report.expiresUnixMs === null || this.#lastEndAt === null) return false;
    const endMs = Math.min(this.#report.expiresUnixMs, this.#report.signingKey?.toUnixMs ?? Number.POSITIVE_INFINITY);
    return wallMs > endMs && this.#lastEndAt.wallMs <= endMs;
  }

  #isOverdue(now: Moment): boolean {
    const unsafe = this.#report !== null && !passes(this.#report);
    return unsafe && this.#lastEndAt !== null && elapsedMs(this.#lastEndAt, now) >= this.#unsafeEveryMs;
  }
}
