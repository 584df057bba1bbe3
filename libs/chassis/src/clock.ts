/** The only source of time. Production passes the system's; tests pass one that they turn by hand. */
export interface Clock {
  /** Unix milliseconds. May step. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start. Never steps back; stands still while the machine is suspended. */
  monotonicMs(): number;
}

/** The only source of chance. */
export interface Ids {
  uuid(): string;
  bytes(count: number): Uint8Array;
}
