import type { LlamaModel, Token } from 'node-llama-cpp';

/** Text token by token: a character that is spread over several tokens comes out with the last of them. */
export class TokenText {
  readonly #model: LlamaModel;
  #pending: Token[] = [];
  #before: Token[] = [];

  constructor(model: LlamaModel) {
    this.#model = model;
  }

  add(token: Token): string {
    this.#pending.push(token);
    const text = this.#model.detokenize(this.#pending, false, this.#before);
    if (text.endsWith('\uFFFD')) return '';
    this.#before = this.#pending;
    this.#pending = [];
    return text;
  }
}
