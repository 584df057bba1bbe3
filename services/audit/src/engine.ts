import type { AuditEntry } from '@smartlite/contracts';
import type { LogFiles } from '@smartlite/tlog';
import type { TrailTerm } from '@smartlite/trust';
import type { PlacedTerm } from './tenure.ts';

/** The folder of one log, or of its key. */
export interface Disk extends LogFiles {
  /** Replaces a file as a whole; it and its name are on the disk when it resolves. A rejection says nothing about either. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file, if it is there. Not durable: a file that comes back does no harm. */
  remove(path: string): Promise<void>;
}

/** One entry as the log holds it, or as it was delivered. */
export interface Line {
  readonly entry: AuditEntry;
  /** What its producer wrote: these bytes are the leaf. */
  readonly bytes: Uint8Array;
}

/** How far a producer has come in one boot. */
export interface Head {
  readonly producer: string;
  readonly boot: string;
  readonly counter: number;
  /** SHA-256 of that entry's bytes, hex. */
  readonly digest: string;
}

export interface Filter {
  readonly id: string;
  readonly traceId: string;
  readonly service: string;
  /** A kind, or what stands before its dot. */
  readonly kind: string;
  readonly actor: string;
  /** Only positions below it; 0: all. */
  readonly before: number;
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
  readonly limit: number;
}

/** A view of the log that can be thrown away: it is rebuilt from the entries. Synchronous, in one process. */
export interface Index {
  /** Entries that it covers, and the root of the tree at that size, hex. */
  readonly covers: { readonly size: number; readonly root: string };
  /** Adds what follows; all or nothing. */
  add(lines: readonly Line[], root: string): void;
  forgetAll(): void;
  find(id: string): { readonly position: number; readonly digest: string } | undefined;
  heads(): readonly Head[];
  /** The certificate of a boot's key, from its first entry. */
  certificateOf(producer: string, boot: string): string | undefined;
  /** Positions of entries that match, the newest `limit` of them, in the log's order. Empty strings and zeros match everything. */
  positions(filter: Filter): readonly number[];
  close(): void;
}

/** An entry on its way into the log. */
export interface Delivery {
  /** The producer's service, by the subject that it may publish on. */
  readonly service: string;
  readonly bytes: Uint8Array;
  /** It is in the log, or will never be: the bus may forget it. */
  done(): void;
  /** It is not: bring it again. */
  again(): void;
}

/** Entries from the bus, each at least once. */
export interface Feed {
  /** Batches as they come, an empty one at least every second. Goes on after a lost connection; ends with the signal. */
  batches(signal: AbortSignal): AsyncIterable<readonly Delivery[]>;
}

/** What tells producers that their entries are in the log. Best effort: who hears nothing asks again by sending again. */
export interface Receipts {
  send(
    logged: readonly { readonly producer: string; readonly id: string; readonly index: number; readonly digest: string }[],
  ): void;
}

/** A view of the log for people: the lines of verification and signature entries. */
export interface VerificationLog {
  /** Position of the newest line, -1 for none. */
  readonly last: number;
  add(lines: readonly (Line & { readonly position: number })[]): void;
}

/** What audit services say in the control log of who writes the trail. */
export interface TermLog {
  /** Signs and appends. Resolves when the stream has it; after a rejection it may be there or not. */
  append(term: Pick<TrailTerm, 'kind' | 'writer' | 'boot' | 'counter' | 'leaseMs' | 'checkpoint'>): Promise<void>;
  /** Reads from the beginning, until the signal; `lost` when the log is not the one that was read before. */
  follow(
    on: { readonly term: (placed: PlacedTerm) => void; readonly caughtUp: () => void; readonly lost: () => void },
    signal: AbortSignal,
  ): Promise<void>;
}
