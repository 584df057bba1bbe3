import type { Authored } from './entry.ts';

/** An entry as the log holds it. */
export interface Logged {
  readonly authored: Authored | undefined;
  readonly position: number;
  /** The log's own timestamp. */
  readonly streamMs: number;
}

/** The one ordered log that all replicas append to and fold. */
export interface LedgerLog {
  /**
   * Appends and returns the entry's position. A failure says nothing about whether it was written: the caller may repeat the
   * command, for the fold makes the second identical one harmless. Never retried here.
   */
  append(authored: Authored): Promise<number>;
  /** Every entry from the first on, in order, each once; resumes by itself after a lost connection. Ends with the signal. */
  follow(onEntry: (entry: Logged) => void, signal: AbortSignal): Promise<void>;
  /** Position of the newest entry now; 0 for an empty log. */
  end(): Promise<number>;
}
