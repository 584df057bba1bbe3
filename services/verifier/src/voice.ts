import type { ControlState, LockStatus, Moment } from '@smartlite/trust';
import { elapsedMs } from '@smartlite/trust';
import type { Act } from './act.ts';
import type { BadNews } from './badnews.ts';
import { compose, type Decision, grounds } from './compose.ts';
import { expiresMs, leaderMs, type Reign, whyStandDown } from './reign.ts';
import type { Report } from './report.ts';
import type { NodeSelf, NodeTimes } from './self.ts';

/** All that a status is made of. */
export interface Known {
  readonly control: ControlState;
  readonly badNews: BadNews;
  readonly report: Report | null;
}

/** What the leader tells the fleet: its decision at once when it is new, and as a renewal each second. */
export class Voice {
  readonly #self: NodeSelf;
  readonly #times: NodeTimes;
  #grounds: readonly unknown[] = [];
  #decision: Decision | null = null;
  /** The decision that was broadcast last in this reign. */
  #told: Decision | null = null;
  #revision = 0;
  #beat = 0;
  #renewedAt: Moment | null = null;
  #status: LockStatus | null = null;
  #announced: LockStatus['mode'] | 'starting' = 'starting';

  constructor(self: NodeSelf, times: NodeTimes) {
    this.#self = self;
    this.#times = times;
  }

  /** The last status that was broadcast. */
  get status(): LockStatus | null {
    return this.#status;
  }

  /** A reign begins: nothing has been told in it. */
  beginReign(): void {
    this.#told = null;
    this.#revision = 0;
    this.#status = null;
  }

  /** Another leader has announced a mode. */
  heard({ mode }: LockStatus): void {
    this.#announced = mode;
  }

  speak(known: Known, reign: Reign, now: Moment): Act[] {
    if (whyStandDown(reign, this.#times, now) !== null) return [];
    const decision = this.#decide(known);
    // Before the first release there is nothing to say: services wait in `starting`.
    if (known.control.adopted === null && decision.failures.length === 0) return [];
    const news = decision !== this.#told;
    if (!news && this.#renewedAt !== null && elapsedMs(this.#renewedAt, now) < this.#times.renewalMs) return [];
    this.#revision += news ? 1 : 0;
    this.#beat = news ? 0 : this.#beat + 1;
    this.#told = decision;
    this.#renewedAt = now;
    const status = this.#compose(known.control, decision, reign, now);
    const from = this.#announced;
    this.#status = status;
    this.#announced = status.mode;
    return [{ kind: 'broadcast', status }, ...(from === status.mode ? [] : [{ kind: 'mode-changed', from, status } as const])];
  }

  /** The decision now: the very same object as long as it says the same. */
  #decide({ control, badNews, report }: Known): Decision {
    const now = grounds(control, badNews.ids, report);
    if (
      this.#decision !== null &&
      now.length === this.#grounds.length &&
      now.every((ground, index) => ground === this.#grounds[index])
    )
      return this.#decision;
    this.#grounds = now;
    const next = compose(control, badNews.facts, report);
    if (JSON.stringify(next) !== JSON.stringify(this.#decision)) this.#decision = next;
    return this.#decision ?? next;
  }

  #compose({ incarnation, chained, head }: ControlState, decision: Decision, reign: Reign, now: Moment): LockStatus {
    const { fleet, generation, instance } = this.#self;
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
}
