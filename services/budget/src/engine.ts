import type { SealedPage } from './page.ts';

/** A message as the log holds it. */
export interface Logged {
  readonly sealed: SealedPage;
  readonly position: number;
  /** The log's own timestamp. */
  readonly streamMs: number;
}

/** What a reader of the log is told. */
export interface LedgerReader {
  /** Every message from the first on, in order, each once. */
  page(logged: Logged): void;
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
  /** Reads until the signal, through lost connections; never rejects. */
  follow(reader: LedgerReader, signal: AbortSignal): Promise<void>;
}
