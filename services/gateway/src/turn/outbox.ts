/** What several producers say, in the order in which they said it, to one reader; a reader who is slow holds the producers back. */
export class Outbox<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  #ended = false;
  #failure: { readonly caught: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Resolves when there is room; throws the signal's reason. */
  async put(item: T, signal: AbortSignal): Promise<void> {
    while (this.#items.length >= this.#capacity) {
      signal.throwIfAborted();
      await this.#change(signal);
    }
    signal.throwIfAborted();
    this.#items.push(item);
    this.#ring();
  }

  end(): void {
    this.#ended = true;
    this.#ring();
  }

  fail(caught: unknown): void {
    this.#failure ??= { caught };
    this.#ring();
  }

  /** All items until the end. A failure is thrown after what was said before it. */
  async *read(signal: AbortSignal): AsyncIterable<T> {
    for (;;) {
      const [item] = this.#items.splice(0, 1);
      if (item !== undefined) {
        this.#ring();
        yield item;
        continue;
      }
      if (this.#failure) throw this.#failure.caught;
      if (this.#ended) return;
      signal.throwIfAborted();
      await this.#change(signal);
    }
  }

  #ring(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = this.#changed;
    const leave = () => resolve();
    signal.addEventListener('abort', leave, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', leave));
  }
}
