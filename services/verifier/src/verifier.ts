import type { Clock, Ids, Log } from '@smartlite/chassis';
import {
  type ControlBody,
  type Moment,
  openControl,
  type RoleIdentity,
  type RoleTrust,
  signStatus,
  type SignedStatus,
  type Verified,
} from '@smartlite/trust';
import { AckDesk } from './ackdesk.ts';
import type { Applied } from './acks.ts';
import type { Act } from './act.ts';
import { Ear } from './ear.ts';
import type { ControlLog, Journal, LockBus, ModelStore, Tell } from './engine.ts';
import { EntrySigner } from './entrysigner.ts';
import { VerifierNode } from './node.ts';
import type { Report } from './report.ts';
import type { NodeSelf, NodeTimes } from './self.ts';
import { Waiters } from './waiters.ts';

export interface VerifierParts {
  readonly self: NodeSelf;
  readonly times: NodeTimes & { readonly dwellMs: number; readonly verifyEveryMs: number };
  readonly identity: () => RoleIdentity;
  readonly trust: RoleTrust;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly controlLog: (sign: (body: ControlBody) => { readonly bytes: Uint8Array; readonly id: string }) => ControlLog;
  readonly bus: LockBus;
  readonly journal: Journal;
  readonly store: ModelStore;
  readonly tell: Tell;
  readonly stopping: AbortSignal;
}

/** Steps of time: a few in each beat, so that a beat is late by a fraction alone. */
const TICK_MS = 100;

/** The shell around the node: feeds it what happens, and does what it asks for, in order. */
export class Verifier {
  readonly #parts: VerifierParts;
  readonly #node: VerifierNode;
  readonly #controlLog: ControlLog;
  readonly #acks: AckDesk;
  readonly #ear: Ear;
  readonly #waiters = new Waiters<Report>();
  #incarnation = '';
  #caughtUp = false;
  #opened = false;
  #own: Uint8Array | null = null;
  #acting: Promise<void> = Promise.resolve();

  static async start(parts: VerifierParts): Promise<Verifier> {
    const remembered = await parts.journal.read();
    const verifier = new Verifier(parts, new VerifierNode(parts.self, parts.times, () => hex(parts.ids, 32), remembered));
    verifier.#run();
    return verifier;
  }

  private constructor(parts: VerifierParts, node: VerifierNode) {
    this.#parts = parts;
    this.#node = node;
    const { self, identity, trust, clock, tell } = parts;
    const signer = new EntrySigner(self, identity, () => node.control.incarnation ?? this.#incarnation);
    this.#controlLog = parts.controlLog((body) => signer.sign(body));
    this.#acks = new AckDesk({
      trust,
      clock,
      tell,
      outranked: (epoch) => node.leading && this.#do(node.outranked(epoch, this.#now())),
      refused: (caught) => this.#ear.refused('an ack', caught),
    });
    const act = (acts: readonly Act[]) => this.#do(acts);
    this.#ear = new Ear({ ...parts, node, acks: this.#acks, now: () => this.#now(), own: () => this.#own, act });
  }

  get leading(): boolean {
    return this.#node.leading;
  }
  get lastReport(): Report | null {
    return this.#node.report;
  }
  /** The last status seen on the bus, the own one included. */
  get status(): Verified<SignedStatus> | null {
    return this.#ear.status;
  }
  applied(): readonly Applied[] {
    return this.#acks.list(this.#now());
  }

  /** A full verification that begins after this call; resolves with what it found. */
  verify(signal: AbortSignal): Promise<Report> {
    // One that is under way may have read a byte already that has changed since.
    const outcome = this.#waiters.wait(this.#node.verificationsBegun + 1, signal);
    this.#do(this.#node.wantVerification(this.#now()));
    return outcome;
  }

  /** Appends a message that another has signed; resolves when this verifier has folded it. */
  async submit(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const placed = openControl(bytes, { position: 0, atMs: this.#parts.clock.nowMs(), lasting: false }, this.#parts.trust);
    this.#do(this.#node.foresee(placed.message, this.#now()));
    const position = await this.#controlLog.appendSigned(bytes);
    while (this.#node.control.position < position) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get control(): VerifierNode['control'] {
    return this.#node.control;
  }

  /** Ends in good order: resigns, and waits until that is on its way. */
  async close(): Promise<void> {
    this.#do(this.#node.stop());
    await this.#acting;
    await this.#parts.bus.close();
  }

  #run(): void {
    const { stopping, bus, store, times } = this.#parts;
    this.#ear.listen(bus);
    const message = (placed: Parameters<VerifierNode['folded']>[0]) => this.#do(this.#node.folded(placed, this.#now()));
    void this.#controlLog.follow({ message, caughtUp: () => this.#onCaughtUp(), lost: () => this.#onLost() }, stopping);
    store
      .watch(
        {
          found: (findings) => this.#do(this.#node.found(findings, this.#now())),
          changed: () => this.#do(this.#node.wantVerification(this.#now())),
        },
        stopping,
      )
      .catch((caught: unknown) => {
        if (!stopping.aborted)
          this.#parts.log.error('the models are not watched; the schedule alone verifies them', { because: String(caught) });
      });
    every(TICK_MS, stopping, () => this.#tick());
    // The next leader need not wait for the lease while calls in flight are drained here.
    stopping.addEventListener('abort', () => this.#do(this.#node.stop()), { once: true });
    every(times.verifyEveryMs, stopping, () => this.#do(this.#node.wantVerification(this.#now())));
  }

  #tick(): void {
    const now = this.#now();
    if (this.#caughtUp) this.#do(this.#node.tick(now));
    if (this.#node.leading) this.#acks.nameLaggards(now);
  }

  #onCaughtUp(): void {
    if (this.#caughtUp) return;
    this.#caughtUp = true;
    if (this.#node.control.incarnation === null && !this.#opened) this.#open();
  }

  /** The log is empty: its first `open` gives it an incarnation. Whoever's comes first is the one. */
  #open(): void {
    this.#opened = true;
    this.#incarnation = hex(this.#parts.ids, 32);
    this.#controlLog.append({ kind: 'open', leadMs: this.#parts.times.leadMs, dwellMs: this.#parts.times.dwellMs });
  }

  #onLost(): void {
    this.#caughtUp = false;
    this.#opened = false;
    this.#parts.log.error('the control log is not the one that was read before; everything is verified anew');
    this.#do(this.#node.historyLost());
  }

  #do(acts: readonly Act[]): void {
    for (const act of acts) this.#perform(act);
  }

  #perform(act: Act): void {
    const { bus, tell, journal } = this.#parts;
    switch (act.kind) {
      case 'broadcast':
        this.#own = signStatus(act.status, this.#parts.identity());
        return bus.broadcast(this.#own);
      case 'append':
        // Behind what is being written to disk: bad news is kept before it is logged, an epoch before it is asked for.
        return this.#later(async () => this.#controlLog.append(act.body));
      case 'relay':
        return this.#later(async () => this.#relay(act.bytes));
      case 'journal':
        return this.#later(() => journal.keep({ failures: act.failures }));
      case 'mark':
        return this.#later(() => journal.keep({ epoch: act.epoch }));
      case 'verify':
        return void this.#examine(act.verification);
      case 'mode-changed':
        return tell.modeChanged(act.from, act.status);
      case 'reign':
        if (act.epoch === null) this.#own = null;
        return tell.reign(act.epoch, act.because);
    }
  }

  #relay(bytes: Uint8Array): void {
    this.#controlLog
      .appendSigned(bytes)
      .catch((caught: unknown) => this.#parts.log.error('an alarm or order could not be relayed', { because: String(caught) }));
  }

  #later(work: () => Promise<void>): void {
    this.#acting = this.#acting
      .then(work)
      .catch((caught: unknown) => this.#parts.log.error("the verifier's journal cannot be written", { because: String(caught) }));
  }

  async #examine(verification: string): Promise<void> {
    const begun = this.#node.verificationsBegun;
    const report = await this.#parts.store.verify(this.#parts.stopping).catch(() => undefined);
    if (report === undefined) return;
    this.#do(this.#node.finished(verification, report, this.#now()));
    // As the node judges it: it knows which lock has served before.
    const judged = this.#node.report ?? report;
    this.#parts.tell.verified(judged);
    this.#waiters.settle(begun, judged);
  }

  #now(): Moment {
    const { clock } = this.#parts;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }
}

function every(periodMs: number, signal: AbortSignal, work: () => void): void {
  const timer = setInterval(work, periodMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function hex(ids: Ids, bytes: number): string {
  return Buffer.from(ids.bytes(bytes)).toString('hex');
}
