import type { AuditEntry, AuditKind } from '@smartlite/contracts';
import type { Delivery, Head, Line } from './engine.ts';
import { digestOf, parseDelivery } from './entry.ts';
import { KEY_UNKNOWN, type Producers } from './producers.ts';

/** How long a gap in a producer's counter is waited for before it is logged as one. */
export const GAP_WAIT_MS = 5_000;
/** Entries that may wait behind gaps; beyond, the oldest stop waiting. */
const HELD_MAX = 10_000;

/** Something that the audit service itself has to say about the trail. */
export interface Remark {
  readonly kind: Extract<AuditKind, `trail.${string}`>;
  readonly facts: AuditEntry['facts'];
}

/** What is to be done next, in this order. */
export type Step =
  | { readonly kind: 'append'; readonly line: Line; readonly delivery: Delivery }
  | { readonly kind: 'remark'; readonly remark: Remark; readonly delivery?: Delivery }
  /** In the log already: whoever sent it again has not heard so. */
  | { readonly kind: 'repeat'; readonly line: Line; readonly delivery: Delivery };

interface Waiting {
  readonly line: Line;
  /** That its producer wrote it. */
  readonly proven: boolean;
  readonly delivery: Delivery;
  readonly untilMs: number;
}

/** What the log holds of an id: the digest of its entry. */
export type Known = (id: string) => string | undefined;

/**
 * Puts deliveries into each producer's order, drops repeats, and names gaps, stragglers and contradictions. Pure: time and what the log
 * holds are given. What it hands out counts as logged; if appending fails, a new one begins from what the log then holds.
 */
export class Sequencer {
  readonly #heads = new Map<string, Head>();
  readonly #known: Known;
  readonly #producers: Pick<Producers, 'prove' | 'refusal' | 'logged'>;
  readonly #fresh = new Map<string, string>();
  #held: Waiting[] = [];

  constructor(heads: readonly Head[], known: Known, producers: Pick<Producers, 'prove' | 'refusal' | 'logged'>) {
    this.#producers = producers;
    for (const head of heads) this.#heads.set(nameOf(head), head);
    this.#known = known;
  }

  /** Everything that can be done now. Deliveries that are not in a step wait for a gap to close. */
  take(deliveries: readonly Delivery[], nowMs: number): readonly Step[] {
    const steps: Step[] = [];
    const arrived: Pick<Waiting, 'line' | 'delivery'>[] = [];
    for (const delivery of deliveries) {
      const entry = parseDelivery(delivery.bytes, delivery.service);
      if (typeof entry === 'string') steps.push(refuse(delivery, entry));
      else arrived.push({ line: { entry, bytes: delivery.bytes }, delivery });
    }
    const proven = this.#producers.prove(arrived.map(({ line }) => line));
    for (const each of arrived) this.#held.push({ ...each, proven: proven.has(each.line), untilMs: nowMs + GAP_WAIT_MS });
    // Each round may free others that wait for the entries it has handed out.
    for (let before = -1; before !== this.#held.length; ) {
      before = this.#held.length;
      const waiting = this.#held.toSorted((a, b) => a.line.entry.counter - b.line.entry.counter);
      this.#held = waiting.filter((each, at) => !this.#place(each, each.untilMs <= nowMs || at >= HELD_MAX, steps));
    }
    this.#fresh.clear();
    return steps;
  }

  /** Deliveries that wait. */
  get held(): readonly Delivery[] {
    return this.#held.map(({ delivery }) => delivery);
  }

  /** True when the delivery has found its place among the steps. */
  #place({ line, delivery, proven }: Waiting, overdue: boolean, steps: Step[]): boolean {
    const { entry } = line;
    const digest = digestOf(line.bytes);
    const logged = this.#fresh.get(entry.id) ?? this.#known(entry.id);
    if (logged === digest) return steps.push({ kind: 'repeat', line, delivery }) > 0;
    const because = proven ? undefined : this.#producers.refusal(line);
    // The entry with its key may be on its way.
    if (because === KEY_UNKNOWN && !overdue) return false;
    if (because !== undefined) return steps.push(forged(delivery, entry, because)) > 0;
    if (logged !== undefined) return steps.push(contradiction(entry, logged, digest, delivery)) > 0;
    const head = this.#heads.get(nameOf(entry));
    const expected = (head?.counter ?? 0) + 1;
    const gaps = [...this.#gapBefore(entry), ...(entry.counter > expected ? [gap(entry, expected, entry.counter - 1)] : [])];
    if (gaps.length > 0 && !overdue) return false;
    steps.push(...gaps);
    steps.push({ kind: 'append', line, delivery });
    this.#fresh.set(entry.id, digest);
    this.#producers.logged(line);
    if (entry.counter < expected) steps.push(late(entry, expected));
    else {
      if (entry.counter === expected && contradicts(entry, head)) steps.push(unchained(entry, head));
      this.#heads.set(nameOf(entry), { producer: entry.producer, boot: entry.boot, counter: entry.counter, digest });
    }
    return true;
  }

  /** Entries of the producer's boot before this one that never came. */
  #gapBefore({ producer, counter, before }: AuditEntry): readonly Step[] {
    if (counter !== 1 || !before) return [];
    const last = this.#heads.get(nameOf({ producer, boot: before.boot }))?.counter ?? 0;
    return last < before.counter ? [gap({ producer, boot: before.boot }, last + 1, before.counter)] : [];
  }
}

function nameOf({ producer, boot }: Pick<Head, 'producer' | 'boot'>): string {
  return `${producer}.${boot}`;
}

/** The chain of digests is broken although no counter is missing: another entry than the logged one came before this. */
function contradicts({ previous }: AuditEntry, head: Head | undefined): boolean {
  return typeof previous === 'string' ? previous !== head?.digest : previous === null && head !== undefined;
}

function gap({ producer, boot }: Pick<Head, 'producer' | 'boot'>, from: number, to: number): Step {
  return { kind: 'remark', remark: { kind: 'trail.gap', facts: { producer, boot, from, to } } };
}

function late({ id }: AuditEntry, expected: number): Step {
  return { kind: 'remark', remark: { kind: 'trail.late', facts: { entry: id, expected } } };
}

function unchained({ id, previous }: AuditEntry, head: Head | undefined): Step {
  const facts = { code: 'ENTRY_EQUIVOCATION', entry: id, previous: previous ?? null, logged: head?.digest ?? null };
  return { kind: 'remark', remark: { kind: 'trail.equivocation', facts } };
}

function contradiction({ id }: AuditEntry, logged: string, digest: string, delivery: Delivery): Step {
  const facts = { code: 'ENTRY_EQUIVOCATION', entry: id, logged, other: digest };
  return { kind: 'remark', remark: { kind: 'trail.equivocation', facts }, delivery };
}

function forged(delivery: Delivery, { id, producer }: AuditEntry, because: string): Step {
  const { service, bytes } = delivery;
  const facts = { code: 'ENTRY_FORGED', service, entry: id, producer, digest: digestOf(bytes), bytes: bytes.byteLength, because };
  return { kind: 'remark', remark: { kind: 'trail.refused', facts }, delivery };
}

function refuse(delivery: Delivery, because: string): Step {
  const facts = { service: delivery.service, digest: digestOf(delivery.bytes), bytes: delivery.bytes.byteLength, because };
  return { kind: 'remark', remark: { kind: 'trail.refused', facts }, delivery };
}
