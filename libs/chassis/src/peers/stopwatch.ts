/**
 * Tells once how long an instance took for its first answer. For a call whose caller speaks on and on, the time counts from the end
 * of the requests: until then the instance waits for the caller, not the other way round.
 */
export class Stopwatch {
  readonly #nowMs: () => number;
  readonly #tell: (ms: number) => void;
  #sinceMs: number | undefined;

  constructor(nowMs: () => number, tell: (ms: number) => void) {
    this.#nowMs = nowMs;
    this.#tell = tell;
  }

  /** From now on. */
  start<T>(request: T): T {
    this.#sinceMs = this.#nowMs();
    return request;
  }

  /** From the moment when these are at their end. */
  async *startAtEndOf<T>(requests: AsyncIterable<T>): AsyncGenerator<T> {
    yield* requests;
    this.start(undefined);
  }

  /** An answer has come. Only the first one after the start counts. */
  stop(): void {
    if (this.#sinceMs === undefined) return;
    const ms = this.#nowMs() - this.#sinceMs;
    this.#sinceMs = undefined;
    this.#tell(ms);
  }
}
