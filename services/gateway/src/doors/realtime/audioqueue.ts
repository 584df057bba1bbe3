/** Audio between a socket and the recogniser; whoever brings more than it takes has to wait. */
export class AudioQueue {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Resolves when there is room for more, or nobody wants any. */
  async push(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    this.#ring();
    while (this.#bytes >= this.#bytesMax && !this.#ended) await this.#changed.promise;
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#ring();
  }

  async *read(): AsyncIterable<Uint8Array> {
    for (;;) {
      const pieces = this.#pieces;
      this.#pieces = [];
      this.#bytes = 0;
      if (pieces.length > 0) this.#ring();
      yield* pieces;
      if (this.#pieces.length > 0) continue;
      if (this.#ended) return;
      await this.#changed.promise;
    }
  }

  #ring(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
