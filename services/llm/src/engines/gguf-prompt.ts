import { Template } from '@huggingface/jinja';
import type { ChatMessage } from '@smartlite/contracts';
import type { LlamaModel, Token } from 'node-llama-cpp';

/** Stands for a message while the template is laid around it; of the private use area, so that no template brings it. */
const MARK = '\uE000';

/** Lays the chat template around messages and reads the result as the model's tokens. Messages are not trusted; the template is. */
export class Prompter {
  readonly #model: LlamaModel;
  readonly #template: Template;

  constructor(model: LlamaModel, template: string) {
    this.#model = model;
    this.#template = new Template(template);
  }

  /** The template's own special tokens count as such; the same letters in a message are letters (attack: a user who types them). */
  prompt(messages: readonly ChatMessage[]): Token[] {
    const texts = messages.map(({ content }) => content);
    const tokens = texts.some((text) => this.#hasSpecial(text))
      ? this.#piecewise(messages)
      : this.#model.tokenize(this.#render(messages, texts), true);
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }

  #hasSpecial(text: string): boolean {
    const [plain, special] = [this.#model.tokenize(text), this.#model.tokenize(text, true)];
    return plain.length !== special.length || plain.some((token, index) => token !== special[index]);
  }

  /** The template around marks, tokenized with its special tokens; each message in the place of its mark, without. */
  #piecewise(messages: readonly ChatMessage[]): Token[] {
    const marks = messages.map((_, index) => `${MARK}${index}${MARK}`);
    const parts = this.#render(messages, marks).split(MARK);
    return parts.flatMap((part, index) =>
      index % 2 === 0 ? this.#model.tokenize(part, true) : this.#model.tokenize(messages[Number(part)]?.content ?? ''),
    );
  }

  #render(messages: readonly ChatMessage[], contents: readonly string[]): string {
    const { bosString, eosString } = this.#model.tokens;
    return this.#template.render({
      messages: messages.map(({ role }, index) => ({ role, content: contents[index] ?? '' })),
      add_generation_prompt: true,
      bos_token: bosString ?? '',
      eos_token: eosString ?? '',
    });
  }
}
