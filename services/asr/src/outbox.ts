/**
 * What a stream still has to send: at most one partial, which a newer one replaces, and the final. So a slow reader costs no memory
 * and reads no outdated partials.
 */
export class Outbox<Partial, Final> implements AsyncIterable<Partial | Final> {
  #partial: Partial | undefined;
  #end: { readonly kind: 'final'; readonly value: Final } | { readonly kind: 'failed'; readonly failure: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  partial(value: Partial): void {
    this.#partial = value;
    this.#changed.resolve();
  }

  /** The last thing to be sent; a partial that still waits is dropped. */
  final(value: Final): void {
    this.#end ??= { kind: 'final', value };
    this.#changed.resolve();
  }

  fail(failure: unknown): void {
    this.#end ??= { kind: 'failed', failure };
    this.#changed.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Partial | Final> {
    for (;;) {
      if (this.#end?.kind === 'failed') throw this.#end.failure;
      if (this.#end?.kind === 'final') return yield this.#end.value;
      const partial = this.#partial;
      this.#partial = undefined;
      if (partial === undefined) await this.#nextChange();
      else yield partial;
    }
  }

  async #nextChange(): Promise<void> {
    await this.#changed.promise;
    this.#changed = Promise.withResolvers<void>();
  }
}
