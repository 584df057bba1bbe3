import type { SealedPage } from './page.ts';

/** A message as the log holds it. */
export interface Logged {
  readonly sealed: SealedPage;
  readonly position: number;
  /** SHA-256 of the message's body, hex. */
  readonly digest: string;
  /** The log's own timestamp. */
  readonly streamMs: number;
}

/** What a reader of the log is told. */
export interface LedgerReader {
  /** Every message from the first on, in order, each once. */
  page(logged: Logged): void;
  /**
   * A snapshot from which reading can begin. Returns where in the log it stands, or undefined where it cannot be believed. Forgets what
   * was known before.
   */
  restore(snapshot: Uint8Array): { readonly position: number; readonly digest: string } | undefined;
  /** All that was there when reading began has been given. Said again after each loss. */
  caughtUp(): void;
  /** The log is not the one that was read before: wiped, restored, its tail lost. Messages are given again from the first. */
  lost(lastPosition: number): void;
}

/** The one ordered log that all replicas append to and fold. */
export interface LedgerLog {
  /**
   * Appends; resolves once the page is stored. A failure says nothing about whether it was: the caller may repeat the commands, for
   * the fold makes the second identical one harmless. Never retried here.
   */
  append(sealed: SealedPage): Promise<void>;
  /** Keeps a snapshot in place of the one before it, and lets go of what lies well before this position. May fail: then both stay. */
  keep(snapshot: Uint8Array, position: number): Promise<void>;
  /** Reads until the signal, through lost connections; never rejects. */
  follow(reader: LedgerReader, signal: AbortSignal): Promise<void>;
}
