import multipart from '@fastify/multipart';
import { MeshError } from '@smartlite/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Ports } from '../engine.ts';
import { intake, type IntakeLimits } from '../audio/intake.ts';
import { wavFile } from '../audio/wavfile.ts';
import { chat, type ChatPiece, speak, transcribe } from '../work.ts';
import { type Desk, sendEvents } from './desk.ts';

/** Longest text of one speech request, as OpenAI has it. */
const INPUT_CHARS_MAX = 4_096;
const FIELDS_MAX = 20;
const FIELD_BYTES_MAX = 4_096;

const speech = z.object({
  input: z.string().min(1).max(INPUT_CHARS_MAX),
  model: z.string().max(64).optional(),
  voice: z.string().max(64).default(''),
  response_format: z.enum(['wav', 'pcm'], { error: 'give wav or pcm' }).default('wav'),
  speed: z.number().min(0.5).max(2).default(1),
});

const content = z.union([
  z.string(),
  z.array(z.object({ type: z.literal('text'), text: z.string() })).transform((parts) => parts.map(({ text }) => text).join('')),
]);
const completion = z.object({
  model: z.string().max(64).default(''),
  messages: z
    .array(z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content }))
    .min(1)
    .max(64),
  max_tokens: z.number().int().min(1).max(100_000).nullish(),
  max_completion_tokens: z.number().int().min(1).max(100_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  seed: z.number().int().min(0).nullish(),
  n: z.literal(1, { error: 'only one choice is made' }).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
});

/** OpenAI's endpoints, so that its stock clients work by changing address and key. */
export async function openAi(app: FastifyInstance, desk: Desk, ports: Ports, limits: IntakeLimits): Promise<void> {
  await app.register(multipart, {
    limits: { files: 1, fields: FIELDS_MAX, fieldSize: FIELD_BYTES_MAX, fileSize: limits.uploadBytesMax },
  });
  app.post('/v1/audio/transcriptions', async (request, reply) => {
    const { audio, fields } = await upload(request, limits);
    const format = fields.get('response_format') ?? 'json';
    if (!['json', 'text', 'verbose_json'].includes(format))
      throw new MeshError('invalid-argument', 'response_format: give json, text or verbose_json');
    const results = await desk.serve(request, reply, 'POST /v1/audio/transcriptions', 'diagnose', (call) =>
      transcribe(ports, audio, tierName(fields.get('model')), call),
    );
    for await (const { transcript, servedBy, audioMs } of results) {
      const text = transcript?.text ?? '';
      reply.header('x-smartlite-model', servedBy?.model ?? '');
      if (format === 'text') return reply.type('text/plain; charset=utf-8').send(`${text}\n`);
      const verbose = { task: 'transcribe', language: 'english', duration: audioMs / 1_000, text, segments: [] };
      return reply.send(format === 'json' ? { text } : verbose);
    }
    throw new MeshError('unavailable', 'the recogniser ended without a transcript');
  });

  app.post('/v1/audio/speech', async (request, reply) => {
    const { input, voice, speed, response_format: format } = parse(speech, request.body);
    const frames = await desk.serve(request, reply, 'POST /v1/audio/speech', 'diagnose', (call) =>
      speak(ports, input, voiceName(voice), speed, call),
    );
    const sound: Buffer[] = [];
    let rateHz = 0;
    for await (const frame of frames) {
      sound.push(frame.pcm);
      rateHz = frame.rateHz;
    }
    const pcm = Buffer.concat(sound);
    return format === 'pcm'
      ? reply.type(`audio/l16;rate=${rateHz}`).send(pcm)
      : reply.type('audio/wav').send(wavFile(pcm, rateHz));
  });

  app.post('/v1/chat/completions', async (request, reply) => {
    const asked = parse(completion, request.body);
    const messages = asked.messages.map(({ role, content: text }) => ({
      role: role === 'developer' ? 'system' : role,
      content: text,
    }));
    const maxTokens = asked.max_completion_tokens ?? asked.max_tokens ?? 0;
    const wanted = {
      messages,
      tier: tierName(asked.model),
      maxTokens,
      temperature: asked.temperature ?? 0,
      seed: BigInt(asked.seed ?? 0),
    };
    const pieces = await desk.serve(request, reply, 'POST /v1/chat/completions', 'diagnose', (call) => chat(ports, wanted, call));
    const head = {
      id: `chatcmpl-${request.id}`,
      created: Math.floor(ports.clock.nowMs() / 1_000),
      model: asked.model || 'standard',
    };
    if (asked.stream !== true) return reply.send(await wholeCompletion(pieces, head));
    const usage = asked.stream_options?.include_usage === true;
    return sendEvents(reply, pieces, (piece) => chunkOf(piece, head, usage), 'data: [DONE]\n\n');
  });

  app.get('/v1/models', async (request, reply) => {
    const { platform } = desk;
    const ids = async function* () {
      const { pack } = await platform.models.verify();
      yield [...Object.keys(pack.llm_tiers.tiers), ...Object.keys(pack.asr_pack.tiers), ...Object.keys(pack.tts_pack.roles)];
    };
    for await (const names of await desk.serve(request, reply, 'GET /v1/models', 'serve', ids)) {
      return reply.send({
        object: 'list',
        data: names.map((id) => ({ id, object: 'model', created: 0, owned_by: 'smartlite' })),
      });
    }
  });
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

async function wholeCompletion(pieces: AsyncIterable<ChatPiece>, head: Head) {
  let text = '';
  for await (const piece of pieces) {
    if (piece.kind === 'text') text += piece.text;
    else {
      const message = { role: 'assistant', content: text.trim(), refusal: null };
      return {
        ...head,
        object: 'chat.completion',
        choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(piece) }],
        usage: usageOf(piece),
        served_by: piece.generation.servedBy,
      };
    }
  }
  throw new MeshError('unavailable', 'the model ended without an answer');
}

function chunkOf(piece: ChatPiece, head: Head, usage: boolean): string {
  const chunk = (choices: unknown[], more: object = {}) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  if (piece.kind === 'text')
    return chunk([{ index: 0, delta: { role: 'assistant', content: piece.text }, logprobs: null, finish_reason: null }]);
  const last = chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: finishOf(piece) }]);
  return usage ? last + chunk([], { usage: usageOf(piece) }) : last;
}

function finishOf({ generation }: Extract<ChatPiece, { kind: 'done' }>): string {
  return generation.finishReason === 'length' ? 'length' : 'stop';
}

function usageOf({ generation: { promptTokens, answerTokens } }: Extract<ChatPiece, { kind: 'done' }>) {
  return { prompt_tokens: promptTokens, completion_tokens: answerTokens, total_tokens: promptTokens + answerTokens };
}

/** The fields of a form come before its file in practice; those after it would be read too late. */
async function upload(request: FastifyRequest, limits: IntakeLimits) {
  if (!request.isMultipart())
    throw new MeshError('unsupported-media', 'content-type: send multipart/form-data with a field "file"');
  const file = await request.file();
  if (!file) throw new MeshError('invalid-argument', 'file: the form holds no file');
  const fields = new Map(
    Object.entries(file.fields).flatMap(([name, field]) =>
      field && 'value' in field ? [[name, String(field.value)] as const] : [],
    ),
  );
  return { audio: intake(file.file, limits), fields };
}

/** Models that OpenAI's clients name by default mean our default tier. */
function tierName(model: string | undefined): string {
  return model === undefined || /^(whisper|gpt|tts|o\d)/.test(model) ? '' : model;
}

function voiceName(voice: string): string {
  return ['alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', 'nova', 'onyx', 'sage', 'shimmer', 'verse'].includes(voice)
    ? ''
    : voice;
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new MeshError(
    'invalid-argument',
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '),
  );
}
