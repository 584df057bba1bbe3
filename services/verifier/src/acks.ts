import { type Ack, compareOrder, elapsedMs, type LockStatus, type Moment } from '@smartlite/trust';

/** What one instance has last applied. */
export interface Applied {
  readonly ack: Ack;
  readonly heardAt: Moment;
  /** From the broadcast of that decision, as this verifier saw it, to the ack; null where the broadcast was not seen. */
  readonly delayMs: number | null;
}

/** An instance that has said nothing for this long is gone: acks come every 10 s. */
const GONE_MS = 30_000;
/** An instance that has not applied a decision after this long is named. Healthy ones take milliseconds. */
const LAGGING_MS = 2_000;
/** Instances that are remembered; more would be somebody making them up. */
const INSTANCES_MAX = 10_000;

/** Who has applied what. It only reports: an ack never makes anything permissible. */
export class Acks {
  readonly #applied = new Map<string, Applied>();
  #decision: { readonly order: Pick<LockStatus, 'generation' | 'epoch' | 'revision'>; readonly seenAt: Moment } | null = null;
  #named = new Set<string>();

  /** A status on the bus. A renewal changes nothing here. */
  broadcast({ generation, epoch, revision }: LockStatus, now: Moment): void {
    const held = this.#decision?.order;
    if (held !== undefined && compareOrder({ generation, epoch, revision, beat: 0 }, { ...held, beat: 0 }) <= 0) return;
    this.#decision = { order: { generation, epoch, revision }, seenAt: now };
    this.#named = new Set();
  }

  /** The delay, where this ack is the instance's first for the decision in force. */
  take(ack: Ack, now: Moment): number | null {
    const key = `${ack.service}/${ack.instance}`;
    const before = this.#applied.get(key);
    if (before === undefined && this.#applied.size >= INSTANCES_MAX) return null;
    const first = this.#holds(ack) && (before === undefined || !this.#holds(before.ack));
    const delayMs = first && this.#decision !== null ? elapsedMs(this.#decision.seenAt, now) : (before?.delayMs ?? null);
    this.#applied.set(key, { ack, heardAt: now, delayMs });
    return first ? delayMs : null;
  }

  /** Instances still there that have not applied the decision in time; each is named once a decision. */
  laggards(now: Moment): readonly Ack[] {
    if (this.#decision === null || elapsedMs(this.#decision.seenAt, now) < LAGGING_MS) return [];
    const late = this.list(now).filter(({ ack }) => !this.#holds(ack) && !this.#named.has(ack.instance));
    for (const { ack } of late) this.#named.add(ack.instance);
    return late.map(({ ack }) => ack);
  }

  /** All instances that were heard of late. */
  list(now: Moment): readonly Applied[] {
    for (const [key, { heardAt }] of this.#applied) if (elapsedMs(heardAt, now) >= GONE_MS) this.#applied.delete(key);
    return [...this.#applied.values()];
  }

  #holds({ generation, epoch, revision }: Ack): boolean {
    const held = this.#decision?.order;
    return held !== undefined && compareOrder({ generation, epoch, revision, beat: 0 }, { ...held, beat: 0 }) >= 0;
  }
}
