import { type ControlState, elapsedMs, type Moment, whyNotReleasable } from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { passes } from './report.ts';
import { RETRY_MS } from './self.ts';
import type { Known } from './voice.ts';

/** Good news is written first: serving is permitted by the release's place in the log, not by the decision made here. */
export class Liberation {
  #askedAt: Moment | null = null;

  beginReign(): void {
    this.#askedAt = null;
  }

  /** The leader's entry that releases the fleet, where it is earned and not there yet. */
  release(known: Known, epoch: number, now: Moment): Act[] {
    const { control, report, badNews } = known;
    const { passed } = control;
    if (passed === null || report === null || !passes(report) || report.lockDigest !== passed.lockDigest) return [];
    if (isReleased(control, passed.lockDigest, report.mismatch)) return [];
    if (badNews.ids.length > 0 || whyNotReleasable(control, passed.lockDigest) !== null) return [];
    if (this.#askedAt !== null && elapsedMs(this.#askedAt, now) < RETRY_MS) return [];
    this.#askedAt = now;
    const { lockDigest, lockSequence } = passed;
    return [append({ kind: 'release', epoch, lockDigest, lockSequence, mismatch: report.mismatch })];
  }
}

function isReleased({ releasedAt, adopted }: ControlState, lockDigest: string, mismatch: 'safe' | 'tolerated'): boolean {
  return releasedAt !== null && adopted?.digest === lockDigest && adopted.mismatch === mismatch;
}
