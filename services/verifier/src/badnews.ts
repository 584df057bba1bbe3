import { type ControlState, elapsedMs, type FailureFact, foldControl, isOpen, type Moment, type Placed } from '@smartlite/trust';
import { type Act, append } from './act.ts';
import { RETRY_MS } from './self.ts';

/** One failure on its way to the log. */
interface Pending {
  readonly fact: FailureFact;
  /** The alarm or order that says so, signed by its author; null for what this node has found itself. */
  readonly envelope: Uint8Array | null;
  /** When this node is to append it itself, if the log does not hold it by then; null once it has. */
  readonly since: Moment | null;
}

/** Bad news that the log does not hold yet. It counts from the moment it is heard, and is kept until the log holds it. */
export class BadNews {
  readonly #pending: Map<string, Pending>;

  constructor(remembered: readonly FailureFact[]) {
    this.#pending = new Map(remembered.map((fact) => [fact.id, { fact, envelope: null, since: null }]));
  }

  get ids(): readonly string[] {
    return [...this.#pending.keys()];
  }
  get facts(): readonly FailureFact[] {
    return [...this.#pending.values()].map(({ fact }) => fact);
  }

  /** Found by this node itself, or remembered by it: its own entries bring it to the log. */
  keep(fact: FailureFact): void {
    this.#pending.set(fact.id, { fact, envelope: null, since: null });
  }

  /** The log is lost: what was open in it stays open. */
  keepOpen({ failures }: ControlState): void {
    for (const record of failures.values()) if (isOpen(record) && record.fact.effect !== 'tolerated') this.keep(record.fact);
  }

  /** An alarm or an order that is on its way to the log: whether it will forbid serving there, and so does at once. */
  foresee(control: ControlState, message: Placed['message'], now: Moment): boolean {
    const { position, stampMs } = control;
    const next = foldControl(control, { position: position + 1, atMs: stampMs, lasting: false, digest: '', message });
    if (next.lastFailure <= position) return false;
    for (const [id, { fact }] of next.failures)
      if (!control.failures.has(id) && fact.effect !== 'tolerated')
        this.#pending.set(id, { fact: foreseen(fact, message), envelope: signedBytes(message), since: now });
    return true;
  }

  /** What the log holds need not be kept elsewhere any more. */
  settle({ failures }: ControlState): Act[] {
    const before = this.#pending.size;
    for (const id of this.#pending.keys()) if (failures.has(id)) this.#pending.delete(id);
    return before > 0 && this.#pending.size === 0 ? [{ kind: 'journal', failures: [] }] : [];
  }

  /** Appends alarms and orders that were heard but did not reach the log by themselves. */
  relay(now: Moment): Act[] {
    const late = [...this.#pending.values()].filter(({ since }) => since !== null && elapsedMs(since, now) >= RETRY_MS);
    for (const each of late) this.#pending.set(each.fact.id, { ...each, since: null });
    // As its author has signed it: what it costs the author belongs to the alarm.
    return late.map(({ fact, envelope }) =>
      envelope === null ? append({ kind: 'failure', failure: fact }) : { kind: 'relay', bytes: envelope },
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
