import {
  type ControlBody,
  type ControlState,
  elapsedMs,
  emptyControl,
  type FailureFact,
  foldControl,
  isLeader,
  type LockStatus,
  type Moment,
  type Placed,
} from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { BadNews } from './badnews.ts';
import { Candidacy } from './candidacy.ts';
import { Examination } from './examination.ts';
import { failuresOf } from './failurefact.ts';
import { inOrder } from './inorder.ts';
import { Liberation } from './liberation.ts';
import { leaderMs, type Reign, seeBeat, sendBeat, startReign, whyStandDown } from './reign.ts';
import type { Report, ReportedFinding } from './report.ts';
import type { NodeSelf, NodeTimes } from './self.ts';
import { silentStores } from './silence.ts';
import { type Known, Voice } from './voice.ts';

/**
 * One verifier's mind: the control log folded, its own findings, and, while it leads, its reign. Every input returns what the shell
 * must do. It owns no clock, no chance and no wire, so a simulation runs the very same one.
 */
export class VerifierNode {
  readonly #self: NodeSelf;
  readonly #times: NodeTimes;
  readonly #newId: () => string;
  readonly #badNews: BadNews;
  readonly #candidacy: Candidacy;
  readonly #examination: Examination;
  readonly #voice: Voice;
  readonly #liberation = new Liberation();
  #control = emptyControl();
  #foldedAt: Moment | null = null;
  #reign: Reign | null = null;
  #beatNumber = 0;
  #beatAt: Moment | null = null;

  constructor(
    self: NodeSelf,
    times: NodeTimes,
    newId: () => string,
    remembered: { readonly epoch: number; readonly failures: readonly FailureFact[] },
  ) {
    this.#self = self;
    this.#times = times;
    this.#newId = newId;
    this.#badNews = new BadNews(remembered.failures);
    this.#candidacy = new Candidacy(self, remembered.epoch);
    this.#examination = new Examination(self.store, times.unsafeEveryMs, newId);
    this.#voice = new Voice(self, times);
  }

  get control(): ControlState {
    return this.#control;
  }
  get report(): Report | null {
    return this.#examination.report;
  }
  /** Full verifications that this node has begun; each is numbered by it. */
  get verificationsBegun(): number {
    return this.#examination.begun;
  }
  get leading(): boolean {
    return this.#reign !== null;
  }
  /** The last status that this node has broadcast in its present reign. */
  get status(): LockStatus | null {
    return this.#reign === null ? null : this.#voice.status;
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
    const acts = this.#isOwn(placed) ? this.#ownEntry(placed.message.entry.body, lastFailure) : [];
    // Entries count only under the log's own incarnation: what is remembered from an earlier start has to wait for it.
    if (incarnation === null && this.#control.incarnation !== null)
      acts.push(...this.#badNews.facts.map((failure) => append({ kind: 'failure', failure })));
    acts.push(...this.#badNews.settle(this.#control, placed));
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
    return this.#badNews.foresee(this.#control, message, now) ? this.#decide(now) : [];
  }

  /** Something moved in the store, somebody asks, or the schedule says so. */
  wantVerification(now: Moment): Act[] {
    this.#examination.want();
    return this.#decide(now);
  }

  /** A verification that `verify` asked for has ended. */
  finished(verification: string, read: Report, now: Moment): Act[] {
    const report = inOrder(read, this.#control.adopted);
    if (!this.#examination.end(verification, report, now)) return [];
    const { failures, news } = this.#note(report.findings);
    this.#examination.foundFirst(news);
    const { store } = this.#self;
    const { lockDigest, lockSequence } = report;
    const standing = failures.map(({ id }) => id);
    return [...this.#announce(news, now), append({ kind: 'end', verification, store, lockDigest, lockSequence, standing })];
  }

  /** A look at what is suspected alone has found something: told at once. The full verification that is due anyway comes after it. */
  found(findings: readonly ReportedFinding[], now: Moment): Act[] {
    // Without a log there is nobody who could be told; the first verification finds it again.
    return this.#control.incarnation === null ? [] : this.#announce(this.#note(findings).news, now);
  }

  /** A guard holds a status of a higher epoch than this leader's: the log has lost something. */
  outranked(epoch: number, now: Moment): Act[] {
    if (!this.#candidacy.learn(epoch, this.#control.epoch) || this.#reign === null) return [];
    return [...this.#resign('a guard holds a higher epoch'), ...this.tick(now)];
  }

  /** The log is not the one that was folded. What was open stays open, and everything is proven anew. */
  historyLost(): Act[] {
    this.#badNews.keepOpen(this.#control);
    this.#candidacy.startOver(this.#control.epoch);
    this.#examination.startOver();
    this.#control = emptyControl();
    return this.#lose('the control log is not the one that was folded');
  }

  /** A status of another leader, for the event of a changed mode. */
  observe(status: LockStatus): void {
    if (this.#reign === null) this.#voice.heard(status);
  }

  /** A leader that ends in good order, so that the next need not wait for its lease. */
  stop(): Act[] {
    return this.#reign === null ? [] : this.#resign('this verifier stops');
  }

  /** What findings mean: failures known already, and new ones, kept until the log holds them. */
  #note(findings: readonly ReportedFinding[]) {
    const known = { control: this.#control, pending: this.#badNews.facts };
    const failures = failuresOf(findings, this.#self.store, known, this.#newId);
    const news = failures.filter(({ id }) => !this.#control.failures.has(id));
    for (const fact of news) this.#badNews.keep(fact);
    return { failures, news };
  }

  /** Bad news travels first, and is written second. */
  #announce(news: readonly FailureFact[], now: Moment): Act[] {
    return [
      ...this.#speak(now),
      ...(news.length > 0 ? [{ kind: 'journal', failures: this.#badNews.facts } as const] : []),
      ...news.map((failure) => append({ kind: 'failure', failure })),
    ];
  }

  #isOwn(placed: Placed): placed is Placed & { readonly message: { readonly kind: 'entry' } } {
    const { message } = placed;
    return message.kind === 'entry' && message.keyId === this.#self.keyId && message.entry.boot === this.#self.boot;
  }

  #ownEntry(body: ControlBody, lastFailure: number): Act[] {
    const { position } = this.#control;
    if (body.kind === 'campaign') return this.#win(body.epoch);
    if (body.kind === 'begin') return this.#examination.sawBegin(body.verification, position);
    if (body.kind === 'end') this.#examination.sawEnd(body.verification);
    if (body.kind === 'failure') this.#examination.sawOwnFailure(body.failure.id, position, lastFailure);
    if (body.kind === 'beat' && this.#reign?.epoch === body.epoch) this.#reign = seeBeat(this.#reign, body.number);
    return [];
  }

  #win(epoch: number): Act[] {
    const sentAt = this.#candidacy.sawCampaign(epoch);
    if (sentAt === null || !isLeader(this.#control, this.#self, epoch)) return [];
    this.#reign = startReign(epoch, sentAt);
    this.#beatAt = null;
    this.#voice.beginReign();
    this.#liberation.beginReign();
    return [{ kind: 'reign', epoch, because: 'won the election' }];
  }

  /** Only after an own verification, so that a leader never starts blind. */
  #seek(now: Moment): Act[] {
    if (this.report === null || this.#foldedAt === null) return [];
    return this.#candidacy.seek(this.#control, this.#foldedAt, now);
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
    return [...this.#speak(now), ...this.#examination.beginIfDue(this.#control, now), ...this.#tidy(), ...this.#liberate(now)];
  }

  #speak(now: Moment): Act[] {
    return this.#reign === null ? [] : this.#voice.speak(this.#known(), this.#reign, now);
  }

  #relay(now: Moment): Act[] {
    return this.#control.incarnation === null ? [] : this.#badNews.relay(now);
  }

  /** Closes, by quarantine, failures of stores that nobody answers for any more. */
  #tidy(): Act[] {
    if (this.#reign === null) return [];
    const { epoch } = this.#reign;
    return silentStores(this.#control, this.#self.store, 2 * this.#times.ttlMs).map((store) =>
      append({ kind: 'quarantine', epoch, store, because: 'no verifier answers for this store' }),
    );
  }

  #liberate(now: Moment): Act[] {
    return this.#reign === null ? [] : this.#liberation.release(this.#known(), this.#reign.epoch, now);
  }

  #known(): Known {
    return { control: this.#control, badNews: this.#badNews, report: this.report };
  }
}
