import { type ControlState, elapsedMs, EPOCH_STEP_MAX, isVacant, type Moment } from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { type NodeSelf, RETRY_MS } from './self.ts';

/** Campaigns that may be on their way at once; of older ones nothing is expected any more. */
const CAMPAIGNS_MAX = 64;

/** How this verifier comes to lead: the epochs that it knows of, and its campaigns under way. */
export class Candidacy {
  readonly #self: NodeSelf;
  /**
   * When each was sent, by epoch, in rising order. A log that is slow brings back one when the next has been sent already: it counts all
   * the same, or two verifiers could campaign past each other for ever.
   */
  #campaigns = new Map<number, Moment>();
  /** Highest epoch known from elsewhere: the own mark on disk, statuses in guards' acks. */
  #epochFloor: number;

  constructor(self: NodeSelf, epochFloor: number) {
    this.#self = self;
    this.#epochFloor = epochFloor;
  }

  /** Campaigns where nobody leads. */
  seek(control: ControlState, foldedAt: Moment, now: Moment): Act[] {
    if (control.incarnation === null || control.deposedKeys.has(this.#self.keyId)) return [];
    const [last, sentAt] = [...this.#campaigns].at(-1) ?? [0, null];
    if (sentAt !== null && elapsedMs(sentAt, now) < RETRY_MS) return [];
    if (!isVacant(control, control.logMs + elapsedMs(foldedAt, now))) return [];
    const epoch = 1 + Math.max(control.epoch, this.#epochFloor, last);
    this.#campaigns = new Map([...this.#campaigns].slice(1 - CAMPAIGNS_MAX)).set(epoch, now);
    return [{ kind: 'mark', epoch }, append({ kind: 'campaign', epoch, store: this.#self.store })];
  }

  /** A campaign of this boot stands in the log: when it was sent. Those before it are in the log, too, or lost. */
  sawCampaign(epoch: number): Moment | null {
    const sentAt = this.#campaigns.get(epoch) ?? null;
    this.#campaigns = new Map([...this.#campaigns].filter(([other]) => other > epoch));
    return sentAt;
  }

  /** Somebody holds a status of a higher epoch than the log knows; false where it is none, or too high to be honest. */
  learn(epoch: number, known: number): boolean {
    if (epoch <= known || epoch > known + EPOCH_STEP_MAX) return false;
    this.#epochFloor = Math.max(this.#epochFloor, epoch);
    return true;
  }

  /** The log is another one: epochs go on from where this node has seen them. */
  startOver(known: number): void {
    this.#epochFloor = Math.max(this.#epochFloor, known);
    this.#campaigns.clear();
  }
}
