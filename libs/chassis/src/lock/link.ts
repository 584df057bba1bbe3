/** What the lock guard needs of the bus. Bytes are signed messages; whoever receives them judges them. */
export interface LockLink {
  /** Each status that is broadcast. Returns how to stop listening. */
  onStatus(listener: (bytes: Uint8Array) => void): () => void;
  /** The retained status; undefined where none is, or the bus is away. */
  lastStatus(): Promise<Uint8Array | undefined>;
  /** Asks the leading verifier; rejects when nobody answers in time. */
  askNonce(request: Uint8Array): Promise<Uint8Array>;
  /** Resolves when the alarm is in the control log. */
  raise(alarm: Uint8Array): Promise<void>;
  acknowledge(ack: Uint8Array): void;
}
