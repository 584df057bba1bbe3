import { type ControlState, elapsedMs, type FailureFact, foldControl, isOpen, type Moment, type Placed } from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { LOST_AFTER_MS, RETRY_MS } from './self.ts';

/** Alarms of one author that count before the log holds them. The first has done all that any could; a flood of them is the log's to weigh. */
const FORESEEN_MAX = 8;

/** One failure on its way to the log. */
interface Pending {
  readonly fact: FailureFact;
  /** Key id of an alarm's author. */
  readonly author: string | null;
  /** The alarm or order that says so, signed by its author; null for what this node has found itself. */
  readonly envelope: Uint8Array | null;
  /** Since when the log has been waited for; null until the next step of time. */
  readonly since: Moment | null;
  /** After so long without it in the log this node appends it itself, or again. */
  readonly waitMs: number;
}

/** Bad news that the log does not hold yet. It counts from the moment it is heard, and is kept until the log holds it. */
export class BadNews {
  readonly #pending: Map<string, Pending>;

  constructor(remembered: readonly FailureFact[]) {
    this.#pending = new Map(remembered.map((fact) => [fact.id, ownNews(fact)]));
  }

  get ids(): readonly string[] {
    return [...this.#pending.keys()];
  }
  get facts(): readonly FailureFact[] {
    return [...this.#pending.values()].map(({ fact }) => fact);
  }

  /** Found by this node itself, or remembered by it: its own entries bring it to the log. */
  keep(fact: FailureFact): void {
    this.#pending.set(fact.id, ownNews(fact));
  }

  /** The log is lost: what was open in it stays open. */
  keepOpen({ failures }: ControlState): void {
    for (const record of failures.values()) if (isOpen(record) && record.fact.effect !== 'tolerated') this.keep(record.fact);
  }

  /** An alarm or an order that is on its way to the log: whether it will forbid serving there, and so does at once. */
  foresee(control: ControlState, message: Placed['message'], now: Moment): boolean {
    const { position, stampMs } = control;
    const author = message.kind === 'alarm' ? message.signed.keyId : null;
    if (author !== null && this.#from(author) >= FORESEEN_MAX) return false;
    const next = foldControl(control, { position: position + 1, atMs: stampMs, lasting: false, digest: '', message });
    if (next.lastFailure <= position) return false;
    for (const [id, { fact }] of next.failures)
      if (!control.failures.has(id) && fact.effect !== 'tolerated')
        this.#pending.set(id, {
          fact: foreseen(fact, message),
          author,
          envelope: signedBytes(message),
          since: now,
          waitMs: RETRY_MS,
        });
    return true;
  }

  /** What the log holds need not be kept elsewhere any more, nor what it has weighed and found to move nobody. */
  settle({ failures }: ControlState, { message }: Placed): Act[] {
    const before = this.#pending.size;
    if (message.kind === 'alarm' || message.kind === 'order') this.#pending.delete(message.signed.id);
    for (const id of this.#pending.keys()) if (failures.has(id)) this.#pending.delete(id);
    return before > 0 && this.#pending.size === 0 ? [{ kind: 'journal', failures: [] }] : [];
  }

  /** Appends what did not reach the log: alarms and orders that were heard, and own findings whose entry was lost. */
  relay(now: Moment): Act[] {
    for (const [id, each] of this.#pending) if (each.since === null) this.#pending.set(id, { ...each, since: now });
    const late = [...this.#pending.values()].filter(({ since, waitMs }) => since !== null && elapsedMs(since, now) >= waitMs);
    for (const each of late) this.#pending.set(each.fact.id, { ...each, since: now, waitMs: LOST_AFTER_MS });
    // As its author has signed it: what it costs the author belongs to the alarm.
    return late.map(({ fact, envelope }) =>
      envelope === null ? append({ kind: 'failure', failure: fact }) : { kind: 'relay', bytes: envelope },
    );
  }

  #from(author: string): number {
    return [...this.#pending.values()].filter((each) => each.author === author).length;
  }
}

function ownNews(fact: FailureFact): Pending {
  return { fact, author: null, envelope: null, since: null, waitMs: LOST_AFTER_MS };
}

/** Whether an alarm needs an operator is counted at its place in the log: a guard that was told so too early would wait for one for ever. */
function foreseen(fact: FailureFact, { kind }: Placed['message']): FailureFact {
  return kind === 'alarm' ? { ...fact, operator: false } : fact;
}

function signedBytes(message: Placed['message']): Uint8Array | null {
  return message.kind === 'alarm' || message.kind === 'order' ? message.signed.envelope : null;
}
