import { type ControlState, elapsedMs, EPOCH_STEP_MAX, isVacant, type Moment } from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { type NodeSelf, RETRY_MS } from './self.ts';

/** How this verifier comes to lead: the epochs that it knows of, and its campaign under way. */
export class Candidacy {
  readonly #self: NodeSelf;
  #campaign: { readonly epoch: number; readonly sentAt: Moment } | null = null;
  /** Highest epoch known from elsewhere: the own mark on disk, statuses in guards' acks. */
  #epochFloor: number;

  constructor(self: NodeSelf, epochFloor: number) {
    this.#self = self;
    this.#epochFloor = epochFloor;
  }

  /** Campaigns where nobody leads. */
  seek(control: ControlState, foldedAt: Moment, now: Moment): Act[] {
    if (control.incarnation === null || control.deposedKeys.has(this.#self.keyId)) return [];
    if (this.#campaign !== null && elapsedMs(this.#campaign.sentAt, now) < RETRY_MS) return [];
    if (!isVacant(control, control.logMs + elapsedMs(foldedAt, now))) return [];
    const epoch = 1 + Math.max(control.epoch, this.#epochFloor, this.#campaign?.epoch ?? 0);
    this.#campaign = { epoch, sentAt: now };
    return [{ kind: 'mark', epoch }, append({ kind: 'campaign', epoch, store: this.#self.store })];
  }

  /** A campaign of this boot stands in the log: when it was sent, if it is the one under way. */
  sawCampaign(epoch: number): Moment | null {
    const campaign = this.#campaign;
    this.#campaign = null;
    return campaign?.epoch === epoch ? campaign.sentAt : null;
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
    this.#campaign = null;
  }
}
