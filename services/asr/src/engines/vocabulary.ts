const SPACE = '▁';
const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;
/** Unknown, begin and end: they stand for no text. */
const CONTROL_TOKENS = 3;

/** The pieces of a SentencePiece vocabulary, by token id. */
export class Vocabulary {
  readonly #pieces: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  /** From the data file that the pack's extraction `llama-vocabulary` makes: UTF-8, one token a line, line i is token i. */
  constructor(bytes: Uint8Array) {
    this.#pieces = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\n');
    if (this.#pieces[1] !== '<s>' || this.#pieces[2] !== '</s>')
      throw new Error('vocabulary: lines 2 and 3 must be <s> and </s>');
    this.#ids = new Map(this.#pieces.map((piece, id) => [piece, id]));
  }

  /** Ids at or above this are no tokens, even where a model's output is wider. */
  get size(): number {
    return this.#pieces.length;
  }

  /** The text of tokens. Byte tokens are put together to UTF-8; what is no UTF-8 becomes U+FFFD. */
  text(ids: readonly number[]): string {
    const bytes = ids.flatMap((id) => [...this.#bytesOf(id)]);
    return new TextDecoder().decode(Uint8Array.from(bytes)).trim();
  }

  /**
   * The tokens of a text, as SentencePiece's byte-pair encoding cuts it: of two neighbours that make a piece, those of the lowest id are
   * joined first, for pieces stand in the order in which they were learned. What is no piece is cut into bytes.
   */
  ids(text: string): readonly number[] {
    const parts = Array.from(`${SPACE}${text.replaceAll(' ', SPACE)}`);
    for (let join = this.#firstJoin(parts); join !== undefined; join = this.#firstJoin(parts))
      parts.splice(join, 2, `${parts[join]}${parts[join + 1]}`);
    return parts.flatMap((part) => this.#ids.get(part) ?? this.#byteTokens(part));
  }

  #firstJoin(parts: readonly string[]): number | undefined {
    let first: { readonly at: number; readonly id: number } | undefined;
    for (let at = 0; at + 1 < parts.length; at++) {
      const id = this.#ids.get(`${parts[at]}${parts[at + 1]}`);
      if (id !== undefined && id < (first?.id ?? Number.POSITIVE_INFINITY)) first = { at, id };
    }
    return first?.at;
  }

  #byteTokens(part: string): readonly number[] {
    return Array.from(new TextEncoder().encode(part), (byte) => {
      const id = this.#ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
      if (id === undefined) throw new Error(`the vocabulary has no token for ${JSON.stringify(part)}`);
      return id;
    });
  }

  #bytesOf(id: number): Uint8Array {
    const piece = this.#pieces[id];
    if (piece === undefined) throw new Error(`token ${id} is not in the vocabulary of ${this.size}`);
    if (id < CONTROL_TOKENS) return new Uint8Array();
    const byte = BYTE_TOKEN.exec(piece)?.[1];
    return byte === undefined ? new TextEncoder().encode(piece.replaceAll(SPACE, ' ')) : Uint8Array.of(Number.parseInt(byte, 16));
  }
}
