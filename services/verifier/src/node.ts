import {
  type ControlBody,
  type ControlState,
  EPOCH_STEP_MAX,
  elapsedMs,
  emptyControl,
  type FailureFact,
  foldControl,
  isLeader,
  isOpen,
  isVacant,
  type LockStatus,
  type Moment,
  type Placed,
  whyNotReleasable,
} from '@smartlite/trust';
import type { Act } from './act.ts';
import { compose, type Decision, grounds } from './compose.ts';
import { expiresMs, leaderMs, type Reign, type ReignTimes, seeBeat, sendBeat, startReign, whyStandDown } from './reign.ts';
import { passes, type Report } from './report.ts';
import { silentStores } from './silence.ts';

export interface NodeSelf {
  readonly fleet: string;
  readonly generation: number;
  readonly instance: string;
  readonly keyId: string;
  /** Random, of this start of the process. */
  readonly boot: string;
  readonly store: string;
}

export interface NodeTimes extends ReignTimes {
  readonly beatMs: number;
  readonly renewalMs: number;
  /** How often a store whose failures stand is verified again, although nothing has moved. */
  readonly unsafeEveryMs: number;
}

/** A campaign or a release that has not come back is tried again after this. */
const RETRY_MS = 1_000;

/** Bad news on its way to the log. */
interface Pending {
  readonly fact: FailureFact;
  /** The alarm or order that says so, signed by its author; null for what this node has found itself. */
  readonly envelope: Uint8Array | null;
  /** When this node is to append it itself, if the log does not hold it by then; null once it has. */
  readonly since: Moment | null;
}

/**
 * One verifier's mind: the control log folded, its own findings, and, while it leads, its reign. Every input returns what the shell
 * must do. It owns no clock, no chance and no wire, so a simulation runs the very same one.
 */
export class VerifierNode {
  readonly #self: NodeSelf;
  readonly #times: NodeTimes;
  readonly #newId: () => string;
  #control = emptyControl();
  #foldedAt: Moment | null = null;
  #reign: Reign | null = null;
  #campaign: { readonly epoch: number; readonly sentAt: Moment } | null = null;
  /** Highest epoch known from elsewhere: the own mark on disk, statuses in guards' acks. */
  #epochFloor: number;
  /** Bad news that the log does not hold yet. */
  #pending: Map<string, Pending>;
  #report: Report | null = null;
  /** `begun` once its entry has come back from the log. */
  #verifying: { readonly id: string; readonly begun: boolean } | null = null;
  #begun = 0;
  #wanted = true;
  /** Position up to which failures are older than the last verification's first byte, or were found by it. */
  #examinedTo = 0;
  #found: ReadonlySet<string> = new Set();
  #lastEndAt: Moment | null = null;
  #release: Moment | null = null;
  #grounds: readonly unknown[] = [];
  #decision: Decision | null = null;
  /** The decision that was broadcast last in this reign. */
  #told: Decision | null = null;
  #revision = 0;
  #beat = 0;
  #beatNumber = 0;
  #beatAt: Moment | null = null;
  #renewedAt: Moment | null = null;
  #status: LockStatus | null = null;
  #announced: LockStatus['mode'] | 'starting' = 'starting';

  constructor(
    self: NodeSelf,
    times: NodeTimes,
    newId: () => string,
    remembered: { readonly epoch: number; readonly failures: readonly FailureFact[] },
  ) {
    this.#self = self;
    this.#times = times;
    this.#newId = newId;
    this.#epochFloor = remembered.epoch;
    this.#pending = new Map(remembered.failures.map((fact) => [fact.id, { fact, envelope: null, since: null }]));
  }

  get control(): ControlState {
    return this.#control;
  }
  get report(): Report | null {
    return this.#report;
  }
  /** Full verifications that this node has begun; each is numbered by it. */
  get verificationsBegun(): number {
    return this.#begun;
  }
  get leading(): boolean {
    return this.#reign !== null;
  }
  /** The last status that this node has broadcast in its present reign. */
  get status(): LockStatus | null {
    return this.#reign === null ? null : this.#status;
  }

  /** The leader's answer to a guard's nonce: epoch and time; null from one who does not lead, or must not any more. */
  leaderTime(now: Moment): { readonly epoch: number; readonly leaderMs: number } | null {
    if (this.#reign === null || whyStandDown(this.#reign, this.#times, now) !== null) return null;
    return { epoch: this.#reign.epoch, leaderMs: Math.ceil(leaderMs(this.#reign, now)) };
  }

  /** The time line of the present reign, in milliseconds; 0 while it does not lead. */
  reignMs(now: Moment): number {
    return this.#reign === null ? 0 : leaderMs(this.#reign, now);
  }

  /** A message of the control log, in the log's order. */
  folded(placed: Placed, now: Moment): Act[] {
    const { lastFailure, incarnation } = this.#control;
    this.#control = foldControl(this.#control, placed);
    this.#foldedAt = now;
    const acts =
      placed.message.kind === 'entry' &&
      placed.message.keyId === this.#self.keyId &&
      placed.message.entry.boot === this.#self.boot
        ? this.#ownEntry(placed.message.entry.body, lastFailure)
        : [];
    // Entries count only under the log's own incarnation: what is remembered from an earlier start has to wait for it.
    if (incarnation === null && this.#control.incarnation !== null)
      acts.push(...this.#facts().map((failure) => append({ kind: 'failure', failure })));
    acts.push(...this.#settlePending());
    if (this.#reign !== null && !isLeader(this.#control, this.#self, this.#reign.epoch))
      acts.push(...this.#lose('deposed by the control log'));
    return [...acts, ...this.#decide(now)];
  }

  /** Time has passed. To be called a few times in each beat. */
  tick(now: Moment): Act[] {
    return [
      ...(this.#reign === null ? this.#seek(now) : this.#keep(this.#reign, now)),
      ...this.#relay(now),
      ...this.#decide(now),
    ];
  }

  /** An alarm or an order that is on its way to the log: what it will do there is done at once, if it is bad news. */
  foresee(message: Placed['message'], now: Moment): Act[] {
    const { position, stampMs } = this.#control;
    const next = foldControl(this.#control, { position: position + 1, atMs: stampMs, lasting: false, digest: '', message });
    if (next.lastFailure <= position) return [];
    for (const [id, { fact }] of next.failures)
      if (!this.#control.failures.has(id) && fact.effect !== 'tolerated')
        this.#pending.set(id, { fact: foreseen(fact, message), envelope: signedBytes(message), since: now });
    return this.#decide(now);
  }

  /** Something moved in the store, somebody asks, or the schedule says so. */
  wantVerification(now: Moment): Act[] {
    this.#wanted = true;
    return this.#decide(now);
  }

  /** A verification that `verify` asked for has ended. */
  finished(verification: string, report: Report, now: Moment): Act[] {
    if (this.#verifying?.id !== verification) return [];
    this.#verifying = null;
    this.#lastEndAt = now;
    this.#report = report;
    const failures = report.findings.map((finding) => this.#failureOf(finding));
    const news = failures.filter(({ id }) => !this.#control.failures.has(id));
    for (const fact of news) this.#pending.set(fact.id, { fact, envelope: null, since: null });
    this.#found = new Set(news.map(({ id }) => id));
    const { store } = this.#self;
    const end: ControlBody = {
      kind: 'end',
      verification,
      store,
      lockDigest: report.lockDigest,
      lockSequence: report.lockSequence,
      standing: failures.map(({ id }) => id),
    };
    // Bad news travels first, and is written second.
    return [
      ...this.#speak(now),
      ...(news.length > 0 ? [{ kind: 'journal', failures: this.#facts() } as const] : []),
      ...news.map((failure) => append({ kind: 'failure', failure })),
      append(end),
    ];
  }

  /** A guard holds a status of a higher epoch than this leader's: the log has lost something. */
  outranked(epoch: number, now: Moment): Act[] {
    if (epoch <= this.#control.epoch || epoch > this.#control.epoch + EPOCH_STEP_MAX) return [];
    this.#epochFloor = Math.max(this.#epochFloor, epoch);
    return this.#reign === null ? [] : [...this.#resign('a guard holds a higher epoch'), ...this.tick(now)];
  }

  /** The log is not the one that was folded. What was open stays open, and everything is proven anew. */
  historyLost(): Act[] {
    for (const record of this.#control.failures.values())
      if (isOpen(record) && record.fact.effect !== 'tolerated')
        this.#pending.set(record.fact.id, { fact: record.fact, envelope: null, since: null });
    this.#epochFloor = Math.max(this.#epochFloor, this.#control.epoch);
    this.#control = emptyControl();
    this.#verifying = null;
    this.#campaign = null;
    this.#wanted = true;
    this.#examinedTo = 0;
    return this.#lose('the control log is not the one that was folded');
  }

  /** A status of another leader, for the event of a changed mode. */
  observe(status: LockStatus): void {
    if (this.#reign === null) this.#announced = status.mode;
  }

  /** A leader that ends in good order, so that the next need not wait for its lease. */
  stop(): Act[] {
    return this.#reign === null ? [] : this.#resign('this verifier stops');
  }

  /** What the log holds need not be kept elsewhere any more. */
  #settlePending(): Act[] {
    const before = this.#pending.size;
    for (const id of this.#pending.keys()) if (this.#control.failures.has(id)) this.#pending.delete(id);
    return before > 0 && this.#pending.size === 0 ? [{ kind: 'journal', failures: [] }] : [];
  }

  #ownEntry(body: ControlBody, lastFailure: number): Act[] {
    if (body.kind === 'campaign') return this.#win(body.epoch);
    if (body.kind === 'beat' && this.#reign !== null && this.#reign.epoch === body.epoch)
      this.#reign = seeBeat(this.#reign, body.number);
    // A lost acknowledgement makes a second copy: bytes count from the first, and what came between the two is still to be examined.
    if (body.kind === 'begin' && this.#verifying?.id === body.verification && !this.#verifying.begun) {
      this.#verifying = { ...this.#verifying, begun: true };
      this.#begun += 1;
      this.#examinedTo = this.#control.position;
      return [{ kind: 'verify', verification: body.verification }];
    }
    // What the last verification has found itself is no reason for another one.
    if (body.kind === 'failure' && this.#found.has(body.failure.id) && lastFailure <= this.#examinedTo)
      this.#examinedTo = this.#control.position;
    return [];
  }

  #win(epoch: number): Act[] {
    const campaign = this.#campaign;
    this.#campaign = null;
    if (campaign?.epoch !== epoch || !isLeader(this.#control, this.#self, epoch)) return [];
    this.#reign = startReign(epoch, campaign.sentAt);
    this.#told = null;
    this.#revision = 0;
    this.#beatAt = null;
    this.#status = null;
    this.#release = null;
    return [{ kind: 'reign', epoch, because: 'won the election' }];
  }

  /** Not leading: campaign where nobody leads. Only after an own verification, so that a leader never starts blind. */
  #seek(now: Moment): Act[] {
    if (
      this.#report === null ||
      this.#foldedAt === null ||
      this.#control.incarnation === null ||
      this.#control.deposedKeys.has(this.#self.keyId)
    )
      return [];
    if (this.#campaign !== null && elapsedMs(this.#campaign.sentAt, now) < RETRY_MS) return [];
    if (!isVacant(this.#control, this.#control.logMs + elapsedMs(this.#foldedAt, now))) return [];
    const epoch = 1 + Math.max(this.#control.epoch, this.#epochFloor, this.#campaign?.epoch ?? 0);
    this.#campaign = { epoch, sentAt: now };
    return [{ kind: 'mark', epoch }, append({ kind: 'campaign', epoch, store: this.#self.store })];
  }

  #keep(reign: Reign, now: Moment): Act[] {
    const because = whyStandDown(reign, this.#times, now);
    if (because !== null) return this.#resign(because);
    if (this.#beatAt !== null && elapsedMs(this.#beatAt, now) < this.#times.beatMs) return [];
    this.#beatAt = now;
    this.#beatNumber += 1;
    this.#reign = sendBeat(reign, this.#beatNumber, now);
    return [append({ kind: 'beat', epoch: reign.epoch, number: this.#beatNumber })];
  }

  #resign(because: string): Act[] {
    const epoch = this.#reign?.epoch ?? 0;
    return [...this.#lose(because), append({ kind: 'resign', epoch, because })];
  }

  #lose(because: string): Act[] {
    if (this.#reign === null) return [];
    this.#reign = null;
    return [{ kind: 'reign', epoch: null, because }];
  }

  /** What follows from all that is known now. */
  #decide(now: Moment): Act[] {
    return [...this.#speak(now), ...this.#examine(now), ...this.#tidy(), ...this.#liberate(now)];
  }

  /** Tells the fleet: at once on a new decision, and as a renewal each second. */
  #speak(now: Moment): Act[] {
    const reign = this.#reign;
    if (reign === null || whyStandDown(reign, this.#times, now) !== null) return [];
    const decision = this.#composed();
    // Before the first release there is nothing to say: services wait in `starting`.
    if (this.#control.adopted === null && decision.failures.length === 0) return [];
    const news = decision !== this.#told;
    if (!news && this.#renewedAt !== null && elapsedMs(this.#renewedAt, now) < this.#times.renewalMs) return [];
    this.#revision += news ? 1 : 0;
    this.#beat = news ? 0 : this.#beat + 1;
    this.#told = decision;
    this.#renewedAt = now;
    const status = this.#sign(decision, reign, now);
    const from = this.#announced;
    this.#status = status;
    this.#announced = status.mode;
    return [{ kind: 'broadcast', status }, ...(from === status.mode ? [] : [{ kind: 'mode-changed', from, status } as const])];
  }

  /** The decision now: the very same object as long as it says the same. */
  #composed(): Decision {
    const now = grounds(this.#control, this.#pending, this.#report);
    if (
      this.#decision !== null &&
      now.length === this.#grounds.length &&
      now.every((ground, index) => ground === this.#grounds[index])
    )
      return this.#decision;
    this.#grounds = now;
    const next = compose(this.#control, this.#facts(), this.#report);
    if (JSON.stringify(next) !== JSON.stringify(this.#decision)) this.#decision = next;
    return this.#decision ?? next;
  }

  #sign(decision: Decision, reign: Reign, now: Moment): LockStatus {
    const { fleet, generation, instance } = this.#self;
    const { incarnation, chained, head } = this.#control;
    const control = incarnation === null ? null : { incarnation, position: chained, head };
    const order = { fleet, generation, epoch: reign.epoch, revision: this.#revision, beat: this.#beat, leader: instance };
    return {
      ...order,
      ...decision,
      control,
      issuedLeaderMs: Math.floor(leaderMs(reign, now)),
      expiresLeaderMs: expiresMs(reign, this.#times),
    };
  }

  /** Begins a full verification where something is newer than the last one. */
  #examine(now: Moment): Act[] {
    if (this.#verifying !== null || this.#control.incarnation === null) return [];
    const due = this.#wanted || this.#hasNewFailure() || this.#isOverdue(now);
    if (!due) return [];
    this.#wanted = false;
    this.#verifying = { id: this.#newId().slice(0, 32), begun: false };
    return [append({ kind: 'begin', verification: this.#verifying.id, store: this.#self.store })];
  }

  #hasNewFailure(): boolean {
    if (this.#control.lastFailure > this.#examinedTo) return true;
    const { store } = this.#self;
    return [...this.#control.failures.values()].some(
      (record) => !record.closed && record.fact.store === store && record.position > this.#examinedTo,
    );
  }

  #isOverdue(now: Moment): boolean {
    const unsafe = this.#report !== null && !passes(this.#report);
    return unsafe && this.#lastEndAt !== null && elapsedMs(this.#lastEndAt, now) >= this.#times.unsafeEveryMs;
  }

  #facts(): FailureFact[] {
    return [...this.#pending.values()].map(({ fact }) => fact);
  }

  /** Appends alarms and orders that were heard but did not reach the log by themselves. */
  #relay(now: Moment): Act[] {
    if (this.#control.incarnation === null) return [];
    const late = [...this.#pending.values()].filter(({ since }) => since !== null && elapsedMs(since, now) >= RETRY_MS);
    for (const each of late) this.#pending.set(each.fact.id, { ...each, since: null });
    // As its author has signed it: what it costs the author belongs to the alarm.
    return late.map(({ fact, envelope }) =>
      envelope === null ? append({ kind: 'failure', failure: fact }) : { kind: 'relay', bytes: envelope },
    );
  }

  /** Closes, by quarantine, failures of stores that nobody answers for any more. */
  #tidy(): Act[] {
    if (this.#reign === null) return [];
    const { epoch } = this.#reign;
    return silentStores(this.#control, this.#self.store, 2 * this.#times.ttlMs).map((store) =>
      append({ kind: 'quarantine', epoch, store, because: 'no verifier answers for this store' }),
    );
  }

  /** Good news is written first: serving is permitted by the release's place in the log, not by this decision. */
  #liberate(now: Moment): Act[] {
    const { passed, adopted, releasedAt } = this.#control;
    const report = this.#report;
    if (this.#reign === null || passed === null || report === null || !passes(report) || report.lockDigest !== passed.lockDigest)
      return [];
    if (releasedAt !== null && adopted?.digest === passed.lockDigest && adopted.mismatch === report.mismatch) return [];
    if (this.#pending.size > 0 || whyNotReleasable(this.#control, passed.lockDigest) !== null) return [];
    if (this.#release !== null && elapsedMs(this.#release, now) < RETRY_MS) return [];
    this.#release = now;
    const { lockDigest, lockSequence } = passed;
    return [append({ kind: 'release', epoch: this.#reign.epoch, lockDigest, lockSequence, mismatch: report.mismatch })];
  }

  /** A failure for a finding: the one that is open for it already, or a new one. */
  #failureOf({ code, artifact, digest, message, effect }: Report['findings'][number]): FailureFact {
    const { store } = this.#self;
    const same = (fact: FailureFact) =>
      fact.store === store && fact.artifact === artifact && fact.code === code && fact.effect === effect;
    const logged = [...this.#control.failures.values()].find(
      (record) => !record.closed && record.author === null && same(record.fact),
    )?.fact;
    const known = logged ?? this.#facts().find(same);
    return (
      known ?? { id: this.#newId(), effect, operator: false, store, artifact, digest, code, message: message.slice(0, 1_000) }
    );
  }
}

/** Whether an alarm needs an operator is counted at its place in the log: a guard that was told so too early would wait for one for ever. */
function foreseen(fact: FailureFact, { kind }: Placed['message']): FailureFact {
  return kind === 'alarm' ? { ...fact, operator: false } : fact;
}

function signedBytes(message: Placed['message']): Uint8Array | null {
  return message.kind === 'alarm' || message.kind === 'order' ? message.signed.envelope : null;
}

function append(body: ControlBody): Act {
  return { kind: 'append', body };
}
