import type { EngineModule } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts/error';
import { z } from 'zod';
import type { LlmPiece, LlmWork } from '../engine.ts';

// Any upstream that speaks OpenAI's chat completions. Remote: never called in safe mode, and no byte of its model is verified here.

/** An upstream that has sent nothing for so long is taken for dead. */
const SILENCE_MS_MAX = 30_000;
/** Longest line of the event stream: one token's JSON, with room. */
const LINE_CHARS_MAX = 1_048_576;
/** Without the upstream's tokenizer: about four characters a token in English, rounded up so that no budget is overspent. */
const CHARACTERS_PER_TOKEN = 3;

/** Longest arguments of a tool call: far more than any call that can be carried out. */
const CALL_CHARS_MAX = 1_000;

const functionArguments = z.object({ call: z.string() });
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
  /** Name of the environment variable that holds the key: keys never stand in the pack. */
  api_key_env: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/)
    .optional(),
});
type Upstream = z.infer<typeof settings>;

const delta = z.object({
  content: z.string().nullish(),
  tool_calls: z.array(z.object({ function: z.object({ arguments: z.string().nullish() }).nullish() })).nullish(),
});

const event = z.object({
  choices: z.array(z.object({ delta: delta.optional(), finish_reason: z.string().nullish() })).default([]),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

export const engine: EngineModule<LlmWork, LlmPiece> = {
  artifactsAs: 'bytes',

  async load(_artifacts, given) {
    const upstream = settings.parse(given);
    return {
      async *run(work, signal): AsyncIterable<LlmPiece> {
        if (work.kind === 'vocabulary') return yield { kind: 'vocabulary', text: '' };
        if (work.kind === 'count-text') return yield { kind: 'count', tokens: estimate(work.text) };
        const promptTokens = estimate(work.messages.map(({ content }) => content).join('\n'));
        if (work.kind === 'count-prompt') return yield { kind: 'count', tokens: promptTokens };
        yield { kind: 'prompt', tokens: promptTokens };
        yield* generate(upstream, work, signal);
      },
    };
  },
};

async function* generate(
  upstream: Upstream,
  work: Extract<LlmWork, { kind: 'generate' }>,
  signal: AbortSignal,
): AsyncIterable<LlmPiece> {
  const response = await ask(upstream, work, signal);
  let tokens = 0;
  let callArguments = '';
  for await (const line of lines(response, signal)) {
    const data = line.startsWith('data:') ? line.slice('data:'.length).trim() : '';
    if (data === '' || data === '[DONE]') continue;
    const [choice] = readEvent(data).choices;
    callArguments += choice?.delta?.tool_calls?.[0]?.function?.arguments ?? '';
    if (callArguments.length > CALL_CHARS_MAX) throw new MeshError('unavailable', 'the upstream sent an endless tool call');
    const text = `${choice?.delta?.content ?? ''}${choice?.finish_reason && callArguments !== '' ? callOf(callArguments) : ''}`;
    if (text !== '') {
      const cost = estimate(text);
      if (tokens + cost > work.maxTokens) return yield { kind: 'end', reason: 'length' };
      tokens += cost;
      yield { kind: 'token', text, tokens: cost, logProb: null };
    }
    if (choice?.finish_reason) return yield { kind: 'end', reason: choice.finish_reason === 'length' ? 'length' : 'stop' };
  }
  throw new MeshError('unavailable', 'the upstream ended its stream before the answer was finished');
}

/** The call as the tools read it; one that is none stays none, and is declined there. */
function callOf(json: string): string {
  try {
    return `<${functionArguments.parse(JSON.parse(json)).call}>`;
  } catch {
    return '<>';
  }
}

function readEvent(data: string): z.infer<typeof event> {
  try {
    return event.parse(JSON.parse(data));
  } catch (cause) {
    throw new MeshError('unavailable', 'the upstream sent what is no chat completion', { cause });
  }
}

async function ask(
  upstream: Upstream,
  { messages, maxTokens, temperature, seed, calls = false }: Extract<LlmWork, { kind: 'generate' }>,
  signal: AbortSignal,
): Promise<Response> {
  const key = upstream.api_key_env === undefined ? undefined : process.env[upstream.api_key_env];
  const response = await fetch(`${upstream.base_url.replace(/\/$/, '')}/chat/completions`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({
      model: upstream.model,
      messages,
      max_tokens: maxTokens,
      temperature,
      seed,
      stream: true,
      ...(calls && { tools: TOOLS }),
    }),
  }).catch((cause: unknown) => {
    throw new MeshError('unavailable', 'the upstream cannot be reached', { cause });
  });
  if (response.ok) return response;
  await response.body?.cancel();
  throw new MeshError('unavailable', `the upstream refused with HTTP ${response.status}`);
}

async function* lines(response: Response, signal: AbortSignal): AsyncIterable<string> {
  if (!response.body) throw new MeshError('unavailable', 'the upstream sent no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), signal);
      const parts = (rest + (value ?? '')).split(/\r?\n/);
      rest = done ? '' : (parts.pop() ?? '');
      if (rest.length > LINE_CHARS_MAX) throw new MeshError('unavailable', 'the upstream sent an endless line');
      yield* parts;
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function withinSilence<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new MeshError('unavailable', 'the upstream fell silent')), SILENCE_MS_MAX);
  const leave = () => reject(new MeshError('cancelled', 'the caller has left'));
  signal.addEventListener('abort', leave, { once: true });
  return Promise.race([read, promise]).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  });
}

function estimate(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}
