import { Template } from '@huggingface/jinja';
import { type ChatMessage, MeshError } from '@smartlite/contracts';
import type { LlamaModel, Token } from 'node-llama-cpp';

/** Stands for a message while the template is laid around it; of the private use area, so that no template brings it. */
const MARK = '\uE000';

/** Lays the chat template around messages and reads the result as the model's tokens. Messages are not trusted; the template is. */
export class Prompter {
  readonly #model: LlamaModel;
  readonly #template: Template;
  readonly #readsSystem: boolean;

  constructor(model: LlamaModel, template: string) {
    this.#model = model;
    this.#template = new Template(template);
    this.#readsSystem = this.#wouldRead('system');
  }

  /**
   * The template's own special tokens count as such; the same letters in a message are letters (attack: a user who types them). Throws
   * `invalid-argument` where the template has no place for such an order of roles.
   */
  prompt(conversation: readonly ChatMessage[]): Token[] {
    const messages = this.#readsSystem ? conversation : withoutSystem(conversation);
    const texts = messages.map(({ content }) => content);
    const tokens = texts.some((text) => this.#hasSpecial(text))
      ? this.#piecewise(messages)
      : this.#model.tokenize(this.#laidOut(messages, texts), true);
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
    const parts = this.#laidOut(messages, marks).split(MARK);
    return parts.flatMap((part, index) =>
      index % 2 === 0 ? this.#model.tokenize(part, true) : this.#model.tokenize(messages[Number(part)]?.content ?? ''),
    );
  }

  /** Some families have no system messages: their templates raise an error at one (Gemma), or leave it out. */
  #wouldRead(role: 'system'): boolean {
    try {
      return this.#render([{ role, content: '' }, QUESTION], [MARK, '']).includes(MARK);
    } catch {
      return false;
    }
  }

  #laidOut(messages: readonly ChatMessage[], contents: readonly string[]): string {
    try {
      return this.#render(messages, contents);
    } catch (cause) {
      throw new MeshError(
        'invalid-argument',
        'messages: the chat template of this model takes user and assistant in turn, the user first',
        {
          cause,
        },
      );
    }
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

const QUESTION: ChatMessage = { role: 'user', content: '' };

/** What system messages say is said at the start of the message after them instead. */
function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const kept: ChatMessage[] = [];
  let before = '';
  for (const { role, content } of messages) {
    if (role === 'system') before += `${content}\n\n`;
    else {
      kept.push({ role, content: before + content });
      before = '';
    }
  }
  return kept;
}
