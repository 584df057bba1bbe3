const SPACE = '▁';
const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;
/** Unknown, begin and end: they stand for no text. */
const CONTROL_TOKENS = 3;

/** The pieces of a SentencePiece vocabulary, by token id. */
export class Vocabulary {
  readonly #pieces: readonly string[];

  /** From the data file that the pack's extraction `llama-vocabulary` makes: UTF-8, one token a line, line i is token i. */
  constructor(bytes: Uint8Array) {
    this.#pieces = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\n');
    if (this.#pieces[1] !== '<s>' || this.#pieces[2] !== '</s>')
      throw new Error('vocabulary: lines 2 and 3 must be <s> and </s>');
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

  #bytesOf(id: number): Uint8Array {
    const piece = this.#pieces[id];
    if (piece === undefined) throw new Error(`token ${id} is not in the vocabulary of ${this.size}`);
    if (id < CONTROL_TOKENS) return new Uint8Array();
    const byte = BYTE_TOKEN.exec(piece)?.[1];
    return byte === undefined ? new TextEncoder().encode(piece.replaceAll(SPACE, ' ')) : Uint8Array.of(Number.parseInt(byte, 16));
  }
}
