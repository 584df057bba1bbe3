import type { ChatMessage } from '@smartlite/contracts';

/** Work that a language model's engine does, one piece at a time. */
export type LlmWork =
  | {
      readonly kind: 'generate';
      readonly messages: readonly ChatMessage[];
      /** The engine never yields more than this. */
      readonly maxTokens: number;
      /** 0: always the likeliest token. */
      readonly temperature: number;
      readonly seed: number;
      /** GBNF that the answer keeps to, where the engine can hold it to one. */
      readonly grammar?: string | undefined;
      /** The answer may be `<call>`, a call of `tools/call.ts`; upstreams are offered it as a function. */
      readonly calls?: boolean;
    }
  /** Tokens of the prompt that these messages make, template included. */
  | { readonly kind: 'count-prompt'; readonly messages: readonly ChatMessage[] }
  /** Tokens of a plain text. */
  | { readonly kind: 'count-text'; readonly text: string }
  /** Words that the model was made for, one a line; empty when it has no such list. */
  | { readonly kind: 'vocabulary' };

export interface Usage {
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/**
 * What comes back. `generate`: one `prompt`, then `token`s, then one `end`. The others: one answer.
 * A prompt that does not fit the model's context ends with reason `too-long` before any token.
 */
export type LlmPiece =
  | { readonly kind: 'prompt'; readonly tokens: number }
  /** `logProb`: natural logarithm of the chosen token's probability; null where the engine does not know. */
  | { readonly kind: 'token'; readonly text: string; readonly tokens: number; readonly logProb: number | null }
  /** `usage`: what it cost by the count of the model itself, where that is only known now. */
  | { readonly kind: 'end'; readonly reason: 'stop' | 'length' | 'too-long'; readonly usage?: Usage }
  | { readonly kind: 'count'; readonly tokens: number }
  | { readonly kind: 'vocabulary'; readonly text: string };
