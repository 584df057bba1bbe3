import type { EngineModule } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts/error';
import { z } from 'zod';
import type { LlmPiece, LlmWork } from '../engine.ts';
import { reply } from './openai-reply.ts';
import { refusalOf } from './openai-wire.ts';

// Any upstream that speaks OpenAI's chat completions. Remote: never called in safe mode, and no byte of its model is verified here.

/** Without the upstream's tokenizer: about four characters a token in English, rounded up so that no budget is overspent. */
const CHARACTERS_PER_TOKEN = 3;
/** Upstreams stream a token a piece, which is a word at most; a longer piece is several. */
const WORD_CHARACTERS = 12;
/** What a chat template lays around one message. */
const TEMPLATE_TOKENS = 4;

/** The one function an upstream is offered: it writes a call as the embedded models do, and the LLM service carries it out. */
const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'assistant_tool',
      description: 'Carries out one call, such as "calc 12 + 30". The system message lists them all.',
      parameters: { type: 'object', properties: { call: { type: 'string' } }, required: ['call'], additionalProperties: false },
    },
  },
];

const settings = z.object({
  base_url: z.url({ protocol: /^https?$/ }),
  model: z.string().min(1),
  /** Name of the environment variable that holds the key: keys never stand in the pack. Only these names reach an engine. */
  api_key_env: z
    .string()
    .regex(/^SMARTLITE_UPSTREAM_[A-Z0-9_]+$/, 'name a variable that begins with SMARTLITE_UPSTREAM_')
    .optional(),
});
type Upstream = z.infer<typeof settings>;
type Generation = Extract<LlmWork, { kind: 'generate' }>;

export const engine: EngineModule<LlmWork, LlmPiece> = {
  artifactsAs: 'bytes',

  async load(_artifacts, given) {
    const upstream = settings.parse(given);
    return {
      async *run(work, signal): AsyncIterable<LlmPiece> {
        if (work.kind === 'vocabulary') return yield { kind: 'vocabulary', text: '' };
        if (work.kind === 'count-text') return yield { kind: 'count', tokens: estimate(work.text) };
        const promptTokens = work.messages.reduce((sum, { content }) => sum + TEMPLATE_TOKENS + estimate(content), 0);
        if (work.kind === 'count-prompt') return yield { kind: 'count', tokens: promptTokens };
        const response = await ask(upstream, work, signal);
        if (response === 'too-long') return yield { kind: 'end', reason: 'too-long' };
        yield { kind: 'prompt', tokens: promptTokens };
        yield* answer(response, work, signal);
      },
    };
  },
};

/** Pieces as they come, the end with what the upstream says it cost. Never more tokens than asked for, whatever is sent. */
async function* answer(response: Response, { maxTokens }: Generation, signal: AbortSignal): AsyncIterable<LlmPiece> {
  let tokens = 0;
  for await (const piece of reply(response, signal)) {
    if (piece.kind === 'finish') return yield { ...piece, kind: 'end' };
    const cost = costOf(piece.text);
    if (tokens + cost > maxTokens) return yield { kind: 'end', reason: 'length' };
    tokens += cost;
    yield { kind: 'token', text: piece.text, tokens: cost, logProb: null };
  }
}

/** The upstream's stream; `too-long` where it says that the conversation is longer than its model reads. */
async function ask(
  upstream: Upstream,
  { messages, maxTokens, temperature, seed, calls = false }: Generation,
  signal: AbortSignal,
): Promise<Response | 'too-long'> {
  const key = upstream.api_key_env === undefined ? undefined : process.env[upstream.api_key_env];
  const response = await fetch(`${upstream.base_url.replace(/\/$/, '')}/chat/completions`, {
    method: 'POST',
    signal,
    // Questions and the key go where the signed pack says, and nowhere else.
    redirect: 'error',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({
      model: upstream.model,
      messages,
      max_tokens: maxTokens,
      temperature,
      seed,
      stream: true,
      stream_options: { include_usage: true },
      ...(calls && { tools: TOOLS }),
    }),
  }).catch((cause: unknown) => {
    throw new MeshError('unavailable', 'the upstream cannot be reached', { cause });
  });
  return response.ok ? response : refusalOf(response, signal);
}

function costOf(piece: string): number {
  return piece.length <= WORD_CHARACTERS ? 1 : estimate(piece);
}

function estimate(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}
