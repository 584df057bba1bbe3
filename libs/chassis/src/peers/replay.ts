/** A minute of speech in frames of 20 ms is 3,000 messages; a stream that sent more without any answer is not sent again. */
const RECORDED_MAX = 4_096;

/**
 * A stream of requests that can be sent once more to another instance, until it is sealed. It is recorded up to then, and
 * passed on without a trace afterwards.
 */
export class Replay<T> {
  readonly #iterator: AsyncIterator<T>;
  #recorded: T[] = [];
  /** Messages that were passed on and are no longer kept. */
  #dropped = 0;
  #recording = true;
  #broken = false;
  #ended = false;
  #pull: Promise<void> | undefined;

  constructor(source: AsyncIterable<T>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  get replayable(): boolean {
    return this.#recording;
  }

  /** The source itself has failed: that is nobody's fault to whom it was sent, and sent again it would only be shorter. */
  get isBroken(): boolean {
    return this.#broken;
  }

  /** From now on nothing is kept. */
  seal(): void {
    this.#recording = false;
  }

  /** The stream from its beginning; only the newest reader may go on reading. */
  async *read(): AsyncGenerator<T> {
    for (let position = 0; ; position += 1) {
      while (position >= this.#dropped + this.#recorded.length) {
        if (this.#ended) return;
        // An earlier reader may already wait for the next message: both get the same one.
        this.#pull ??= this.#next();
        await this.#pull;
      }
      yield this.#recorded[position - this.#dropped] as T;
    }
  }

  /** Tells the source that nobody reads any more. */
  close(): void {
    this.#iterator.return?.().then(undefined, () => {});
  }

  async #next(): Promise<void> {
    try {
      const step = await this.#iterator.next();
      if (step.done) this.#ended = true;
      else this.#keep(step.value);
    } catch (caught) {
      this.#broken = true;
      throw caught;
    } finally {
      this.#pull = undefined;
    }
  }

  #keep(message: T): void {
    if (this.#dropped + this.#recorded.length >= RECORDED_MAX) this.#recording = false;
    if (!this.#recording) {
      this.#dropped += this.#recorded.length;
      this.#recorded = [];
    }
    this.#recorded.push(message);
  }
}
