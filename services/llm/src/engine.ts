import { type ChatMessage, MeshError } from '@smartlite/contracts';
import { z } from 'zod';

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

/** More text than any one piece of an upstream's answer holds. */
const TOKEN_CHARACTERS_MAX = 65_536;
/** More words than any vocabulary of ours lists. */
const VOCABULARY_CHARACTERS_MAX = 4 * 1024 * 1024;
const count = z.number().int().nonnegative();

const usageSchema = z.strictObject({ promptTokens: count, answerTokens: count });
export type Usage = Readonly<z.infer<typeof usageSchema>>;

const pieceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('prompt'), tokens: count }),
  z.strictObject({
    kind: z.literal('token'),
    text: z.string().max(TOKEN_CHARACTERS_MAX),
    tokens: count,
    /** Natural logarithm of the chosen token's probability; null where the engine does not know. */
    logProb: z.number().nullable(),
  }),
  z.strictObject({
    kind: z.literal('end'),
    reason: z.enum(['stop', 'length', 'too-long']),
    /** What it cost by the count of the model itself, where that is only known now. */
    usage: usageSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('count'), tokens: count }),
  z.strictObject({ kind: z.literal('vocabulary'), text: z.string().max(VOCABULARY_CHARACTERS_MAX) }),
]);

/**
 * What comes back. `generate`: one `prompt`, then `token`s, then one `end`. The others: one answer.
 * A prompt that does not fit the model's context ends with reason `too-long` before any token.
 */
export type LlmPiece = Readonly<z.infer<typeof pieceSchema>>;

/** A model's piece, looked at: an engine that has gone wrong may say anything. Throws `internal`. */
export function parseLlmPiece(piece: unknown): LlmPiece {
  const parsed = pieceSchema.safeParse(piece);
  if (parsed.success) return parsed.data;
  throw new MeshError('internal', 'the engine answered with something that is no piece of an answer');
}
