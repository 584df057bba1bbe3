import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What an entry must have for its place among its producer's entries to be judged. */
const entrySchema = z.looseObject({
  id: z.string(),
  producer: z.string(),
  boot: z.string(),
  counter: z.int().positive(),
  kind: z.string(),
  previous: z.string().nullish(),
  facts: z.looseObject({}),
});
type Entry = z.infer<typeof entrySchema>;
const gapSchema = z.looseObject({ producer: z.string(), boot: z.string(), from: z.int(), to: z.int() });

/** Counters from one to another, both included. */
type Range = readonly [number, number];

/** Whose word it is that entries are missing, or contradict each other. */
const LOG_PRODUCER = 'audit-log';

export interface ChainFinding {
  readonly code: 'ENTRY_GAP' | 'ENTRY_DOUBLED' | 'ENTRY_UNCHAINED' | 'ENTRY_UNREADABLE';
  readonly where: string;
  readonly message: string;
}

interface Producer {
  counter: number;
  digest: string;
  /** Counters that the log itself says are missing: ranges, for one entry can name a gap of any length. */
  missing: readonly Range[];
}

/**
 * Judges each producer's own order, entry by entry: counters without gaps but those that the log has logged, each once, chained by
 * digests. So a log that was signed anew without some entry is found out even if its key was in the wrong hands.
 */
export class ProducerChains {
  readonly #producers = new Map<string, Producer>();
  readonly #findings: ChainFinding[] = [];
  /** Broken chains that the log may yet name by itself. */
  readonly #unchained = new Map<string, ChainFinding>();

  get findings(): readonly ChainFinding[] {
    return [...this.#findings, ...this.#unchained.values()];
  }

  read(bytes: Uint8Array, index: number): void {
    const entry = parse(bytes);
    if (!entry) return this.#find('ENTRY_UNREADABLE', index, 'is no audit entry');
    this.#place(entry, createHash('sha256').update(bytes).digest('hex'), index);
    this.#remark(entry);
  }

  #place({ id, producer: name, boot, counter, previous }: Entry, digest: string, index: number): void {
    const key = `${name}.${boot}`;
    const producer = this.#producers.get(key) ?? { counter: 0, digest: '', missing: [] };
    this.#producers.set(key, producer);
    if (counter <= producer.counter) {
      if (!rangeOf(producer.missing, counter)) this.#find('ENTRY_DOUBLED', index, `is ${id} once more`);
      producer.missing = without(producer.missing, counter);
      return;
    }
    for (let at = producer.counter + 1; at < counter; ) {
      const known = rangeOf(producer.missing, at);
      if (known) {
        at = known[1] + 1;
        continue;
      }
      this.#find('ENTRY_GAP', index, `is ${id}, but ${key}.${at} never came, and the log does not say so`);
      break;
    }
    const follows = counter === producer.counter + 1;
    if (follows && typeof previous === 'string' && previous !== producer.digest)
      this.#unchained.set(id, finding('ENTRY_UNCHAINED', index, `is ${id}, which follows another entry than the one before it`));
    producer.counter = counter;
    producer.digest = digest;
  }

  #remark({ producer: who, kind, facts }: Entry): void {
    if (who !== LOG_PRODUCER) return;
    if (kind === 'trail.equivocation') this.#unchained.delete(String(facts['entry']));
    const gap = kind === 'trail.gap' ? gapSchema.safeParse(facts).data : undefined;
    if (!gap) return;
    const key = `${gap.producer}.${gap.boot}`;
    const producer = this.#producers.get(key) ?? { counter: 0, digest: '', missing: [] };
    this.#producers.set(key, producer);
    producer.missing = [...producer.missing, [gap.from, gap.to]];
  }

  #find(code: ChainFinding['code'], index: number, what: string): void {
    this.#findings.push(finding(code, index, what));
  }
}

function rangeOf(ranges: readonly Range[], counter: number): Range | undefined {
  return ranges.find(([from, to]) => from <= counter && counter <= to);
}

function without(ranges: readonly Range[], counter: number): readonly Range[] {
  return ranges.flatMap(([from, to]): readonly Range[] => {
    if (counter < from || counter > to) return [[from, to]];
    const sides: readonly Range[] = [
      [from, counter - 1],
      [counter + 1, to],
    ];
    return sides.filter(([first, last]) => first <= last);
  });
}

function finding(code: ChainFinding['code'], index: number, what: string): ChainFinding {
  return { code, where: `entry ${index}`, message: `entry ${index} ${what}` };
}

function parse(bytes: Uint8Array): Entry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
