import type { SignedCheckpoint } from '@smartlite/tlog';
import type { TrailTerm } from '@smartlite/trust';

/** One word of an audit service at its place in the control log, proven. */
export interface PlacedTerm {
  readonly position: number;
  /** The stream's own timestamp. */
  readonly atMs: number;
  readonly term: TrailTerm;
  /** The checkpoint that it names; undefined when the log's key has not signed it. */
  readonly checkpoint: SignedCheckpoint | undefined;
}

/** Who has the right to write the log. */
export interface Holder {
  readonly writer: string;
  readonly boot: string;
  readonly leaseMs: number;
  /** The log's time of its last word. */
  readonly heardMs: number;
}

/** What follows from the control log for the trail. A value: the same log gives the same tenure to all. */
export interface Tenure {
  readonly position: number;
  /** Steps forward of the stream's timestamps, added up. */
  readonly logMs: number;
  readonly stampMs: number;
  readonly holder: Holder | undefined;
  /** Last counter of each boot. */
  readonly counters: ReadonlyMap<string, number>;
  /** The highest checkpoint that anybody has named, whether it had the right to or not: it was signed. */
  readonly highest: SignedCheckpoint | undefined;
  /** Why nobody may write any more: two histories are signed. */
  readonly forked: string | undefined;
}

/** Boots that are remembered; those that were silent longest belong to processes long gone. */
const BOOTS_MAX = 256;

export const NO_TENURE: Tenure = {
  position: 0,
  logMs: 0,
  stampMs: 0,
  holder: undefined,
  counters: new Map(),
  highest: undefined,
  forked: undefined,
};

/**
 * One word further. A claim holds when nobody has the right, its holder has given it back or has been silent for its lease, or when it
 * comes from the holder's own place, where its predecessor is dead.
 */
export function foldTenure(before: Tenure, { position, atMs, term, checkpoint }: PlacedTerm): Tenure {
  const step = before.stampMs === 0 ? 0 : Math.max(0, atMs - before.stampMs);
  const at = { ...before, position, logMs: before.logMs + step, stampMs: atMs, ...remember(before, term, checkpoint) };
  if (term.counter <= (before.counters.get(term.boot) ?? -1)) return at;
  const others = [...before.counters].filter(([boot]) => boot !== term.boot).slice(1 - BOOTS_MAX);
  const counters = new Map(others).set(term.boot, term.counter);
  return { ...at, counters, holder: holderAfter(at, term) };
}

/** Whether a claim from that place would hold now. */
function isVacant({ holder, logMs }: Tenure, writer: string): boolean {
  return holder === undefined || holder.writer === writer || logMs - holder.heardMs >= holder.leaseMs;
}

function holderAfter(at: Tenure, { kind, writer, boot, leaseMs }: TrailTerm): Holder | undefined {
  const own = at.holder?.boot === boot;
  switch (kind) {
    case 'claim':
      return own || isVacant(at, writer) ? { writer, boot, leaseMs, heardMs: at.logMs } : at.holder;
    case 'beat':
      return own && at.holder ? { ...at.holder, heardMs: at.logMs } : at.holder;
    case 'resign':
      return own ? undefined : at.holder;
  }
}

function remember(
  { highest, forked }: Tenure,
  { checkpoint: note }: TrailTerm,
  checkpoint: SignedCheckpoint | undefined,
): Pick<Tenure, 'highest' | 'forked'> {
  if (note === null) return { highest, forked };
  if (!checkpoint) return { highest, forked: forked ?? 'another key than this log’s has signed a checkpoint in its name' };
  if (!highest || checkpoint.size > highest.size) return { highest: checkpoint, forked };
  const contradicts = checkpoint.size === highest.size && !Buffer.from(checkpoint.root).equals(highest.root);
  return {
    highest,
    forked: forked ?? (contradicts ? `two different trees of ${checkpoint.size} entries are signed` : undefined),
  };
}
