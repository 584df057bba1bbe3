import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { AuditReceipt } from '@smartlite/trust';
import { z } from 'zod';
import type { Clock } from '../clock.ts';

/** The memory is written this often at most: a killed process forgets so much, and its entries are in the log all the same. */
const SAVE_MS = 1_000;

const schema = z.object({ origin: z.string(), size: z.int().nonnegative(), root: z.string() });
/** The highest checkpoint that entries of ours were receipted under. */
export type Seen = Readonly<z.infer<typeof schema>>;

/** Where the memory outlives this process. */
export interface SeenFile {
  read(): Seen | undefined;
  write(seen: Seen): void;
}

/** An entry that a receipt speaks of, with what was seen of its log when it was made; undefined for one of an earlier process. */
export interface Receipted {
  readonly index: number;
  readonly madeAfter: Seen | undefined;
}

/** How a receipt contradicts the one before: the log was put back, or there are two of one name. */
export interface Contradiction {
  readonly code: 'LOG_ROLLED_BACK' | 'LOG_FORKED';
  readonly origin: string;
  readonly because: string;
}

/**
 * What this producer knows of the log from its receipts. Each is signed, and a log only grows: one that names a smaller tree, another
 * root for the same one, or a place within it for an entry that was made later, proves that what was acknowledged may be gone.
 */
export class LogMemory {
  readonly #file: SeenFile;
  readonly #clock: Clock;
  #seen: Seen | undefined;
  #savedMs: number;
  #dirty = false;

  constructor(file: SeenFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#seen = file.read();
    this.#savedMs = clock.monotonicMs() - SAVE_MS;
  }

  get seen(): Seen | undefined {
    return this.#seen;
  }

  /** Compares a proven receipt with what is known, and learns from one that fits. */
  take({ origin, size, root }: Seen, entries: readonly Receipted[]): Contradiction | undefined {
    const seen = this.#seen?.origin === origin ? this.#seen : undefined;
    const contradiction = seen && contradictionOf(seen, { origin, size, root }, entries);
    if (contradiction) return contradiction;
    if (seen && size === seen.size) return undefined;
    this.#seen = { origin, size, root };
    this.#dirty = true;
    if (this.#clock.monotonicMs() - this.#savedMs >= SAVE_MS) this.save();
    return undefined;
  }

  save(): void {
    if (!this.#dirty || !this.#seen) return;
    this.#dirty = false;
    this.#savedMs = this.#clock.monotonicMs();
    this.#file.write(this.#seen);
  }
}

function contradictionOf(seen: Seen, said: Seen, entries: readonly Receipted[]): Contradiction | undefined {
  const { origin } = said;
  if (said.size === seen.size && said.root !== seen.root)
    return { code: 'LOG_FORKED', origin, because: `two roots of ${seen.size} entries are signed: ${seen.root} and ${said.root}` };
  if (said.size < seen.size)
    return {
      code: 'LOG_ROLLED_BACK',
      origin,
      because: `a receipt under ${seen.size} entries was followed by one under ${said.size}`,
    };
  const early = entries.find(({ index, madeAfter }) => madeAfter?.origin === origin && index < madeAfter.size);
  if (!early) return undefined;
  const because = `an entry that was made when the log had ${early.madeAfter?.size} entries has got the place ${early.index}`;
  return { code: 'LOG_ROLLED_BACK', origin, because };
}

/** One small file for all instances of a service on this host; whoever has seen more keeps it. Best effort: it is a second opinion. */
export function seenFile(file: string): SeenFile {
  const read = (): Seen | undefined => {
    try {
      return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      return undefined;
    }
  };
  return {
    read,
    write(seen) {
      const other = read();
      if (other?.origin === seen.origin && other.size >= seen.size) return;
      try {
        writeFileSync(`${file}.${process.pid}`, JSON.stringify(seen), { mode: 0o600 });
        renameSync(`${file}.${process.pid}`, file);
      } catch {
        // A full disk must not keep receipts from being taken.
      }
    },
  };
}

/** The part of a receipt that speaks of the log. */
export function seenIn({ origin, size, root }: AuditReceipt): Seen {
  return { origin, size, root };
}
