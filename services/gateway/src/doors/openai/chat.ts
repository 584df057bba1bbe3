import { MeshError, SaidFrom } from '@smartlite/contracts';
import { canonicalBytes } from '@smartlite/trust';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Ports } from '../../engine.ts';
import { Statement } from '../../turn/statement.ts';
import { chat, type ChatPiece, type ChatRequest } from '../../work.ts';
import { CUT } from '../../turn/cutshort.ts';
import type { Desk } from '../desk.ts';
import { sendEvents } from '../sse.ts';
import { tierName } from './names.ts';
import { parse } from './parse.ts';

const MESSAGES_MAX = 64;
const TOKENS_MAX = 100_000;

/** Stops of one request, as OpenAI has it, and the longest of them. */
const STOPS_MAX = 4;
const STOP_CHARS_MAX = 256;

// JSON can hold half a character, of which no UTF-8 can be made, and so no digest.
const text = z.string().refine((given) => given.isWellFormed(), { error: 'half of a surrogate pair is no character' });
const content = z
  .union(
    [
      z.string(),
      z
        .array(z.object({ type: z.literal('text'), text: z.string() }))
        .transform((parts) => parts.map((part) => part.text).join('')),
    ],
    { error: 'give text, or parts of type "text": images, sound and files are not read here' },
  )
  .pipe(text);
const stop = z.string().min(1).max(STOP_CHARS_MAX);
const bodySchema = z.object({
  model: z.string().max(64).default(''),
  messages: z
    .array(z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content }))
    .min(1)
    .max(MESSAGES_MAX),
  max_tokens: z.number().int().min(1).max(TOKENS_MAX).nullish(),
  max_completion_tokens: z.number().int().min(1).max(TOKENS_MAX).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  seed: z.number().int().min(0).nullish(),
  n: z.literal(1, { error: 'only one choice is made' }).nullish(),
  stop: z
    .union([stop.transform((one) => [one]), z.array(stop).max(STOPS_MAX)], { error: `give up to ${STOPS_MAX} texts` })
    .nullish(),
  // What asks for another kind of answer than is made here is refused, and not answered with what its reader cannot take.
  response_format: z.object({ type: z.literal('text', { error: 'only text is written here' }) }).nullish(),
  tool_choice: z.enum(['none', 'auto'], { error: 'tools are not called here: give none or auto' }).nullish(),
  modalities: z.array(z.literal('text', { error: 'only text; POST /v1/audio/speech speaks it' })).nullish(),
  logprobs: z.literal(false, { error: 'they are not given here' }).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
});
type Asked = z.infer<typeof bodySchema>;

/** `POST /v1/chat/completions`, whole or as server-sent events. */
export function chatCompletions(app: FastifyInstance, desk: Desk, ports: Ports): void {
  app.post('/v1/chat/completions', async (request, reply) => {
    const asked = parse(bodySchema, request.body);
    const errand = { name: 'POST /v1/chat/completions', inSafeMode: 'diagnose' } as const;
    const pieces = desk.serve(request, reply, errand, (call) => {
      const statement = new Statement(ports.newSalt());
      statement.request('messages', canonicalBytes(asked.messages));
      return chat(ports, wanted(asked), statement, call);
    });
    const head = {
      id: `chatcmpl-${request.id}`,
      created: Math.floor(ports.clock.nowMs() / 1_000),
      model: asked.model || 'standard',
    };
    if (asked.stream !== true) return reply.send(await wholeCompletion(pieces, head));
    const usage = asked.stream_options?.include_usage === true;
    return sendEvents(reply, pieces, {
      event: (piece) => chunkOf(piece, head, usage),
      end: 'data: [DONE]\n\n',
      failure: (body) => `data: ${JSON.stringify(body)}\n\n`,
      idleMsMax: desk.idleMsMax,
    });
  });
}

function wanted(asked: Asked): ChatRequest {
  return {
    messages: asked.messages.map(({ role, content: text }) => ({ role: role === 'developer' ? 'system' : role, content: text })),
    tier: tierName(asked.model),
    maxTokens: asked.max_completion_tokens ?? asked.max_tokens ?? 0,
    temperature: asked.temperature ?? 0,
    stops: asked.stop ?? [],
    seed: BigInt(asked.seed ?? 0),
    // Whoever waits for the whole answer has heard nothing of it before.
    saidFrom: asked.stream === true ? SaidFrom.SAID_FROM_UNSPECIFIED : SaidFrom.SAID_FROM_END,
  };
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}
type Done = Extract<ChatPiece, { kind: 'done' }>;

async function wholeCompletion(pieces: AsyncIterable<ChatPiece>, head: Head) {
  let text = '';
  let done: Done | undefined;
  for await (const piece of pieces) {
    if (piece.kind === 'text') text += piece.text;
    else done = piece;
  }
  if (!done) throw new MeshError('unavailable', 'the model ended without an answer');
  const message = { role: 'assistant', content: text.trim(), refusal: null };
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(done) }],
    usage: usageOf(done),
    served_by: done.generation.servedBy,
    ...receiptOf(done),
  };
}

function chunkOf(piece: ChatPiece, head: Head, usage: boolean): string {
  const chunk = (choices: unknown[], more: object = {}) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  if (piece.kind === 'text')
    return chunk([{ index: 0, delta: { role: 'assistant', content: piece.text }, logprobs: null, finish_reason: null }]);
  const last = chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: finishOf(piece) }], receiptOf(piece));
  return usage ? last + chunk([], { usage: usageOf(piece) }) : last;
}

function finishOf({ generation }: Done): string {
  // OpenAI's clients know a cut answer by this word alone.
  return ['length', CUT].includes(generation.finishReason) ? 'length' : 'stop';
}

function usageOf({ generation: { promptTokens, answerTokens } }: Done) {
  return { prompt_tokens: promptTokens, completion_tokens: answerTokens, total_tokens: promptTokens + answerTokens };
}

function receiptOf({ given }: Done) {
  return { receipt: given.receipt, receipt_salt: given.salt };
}
