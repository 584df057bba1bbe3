import type { AudioFrame } from '@smartlite/contracts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { OPENAI_RATE_HZ, Pcm24 } from '../../audio/pcm24.ts';
import { wavFile } from '../../audio/wavfile.ts';
import type { Ports } from '../../engine.ts';
import { Statement } from '../../turn/statement.ts';
import { speak } from '../../work.ts';
import type { Desk } from '../desk.ts';
import { beginStream, write } from '../sse.ts';
import { tierName, voiceName } from './names.ts';
import { parse } from './parse.ts';

/** Longest text of one request, as OpenAI has it. */
const INPUT_CHARS_MAX = 4_096;
const bodySchema = z.object({
  input: z.string().min(1).max(INPUT_CHARS_MAX),
  model: z.string().max(64).optional(),
  voice: z.string().max(64).default(''),
  response_format: z.enum(['wav', 'pcm'], { error: 'give wav or pcm: other formats are not made here' }).default('wav'),
  speed: z.number().min(0.5).max(2).default(1),
  stream_format: z.literal('audio', { error: 'only audio is offered' }).optional(),
});

/** `POST /v1/audio/speech`: `wav` whole, `pcm` (24 kHz mono s16le) while it is spoken. */
export function speech(app: FastifyInstance, desk: Desk, ports: Ports): void {
  app.post('/v1/audio/speech', async (request, reply) => {
    const { input, model, voice, speed, response_format: format } = parse(bodySchema, request.body);
    const asked = { model: tierName(model), voice: voiceName(voice) };
    const errand = { name: 'POST /v1/audio/speech', inSafeMode: 'diagnose' } as const;
    const frames = desk.serve(request, reply, errand, async function* (call) {
      const meant = await ports.voiceFor(asked);
      yield* speak(ports, { text: input, voice: meant, rate: speed }, new Statement(ports.newSalt()), call);
    });
    return format === 'pcm' ? sendPcm(reply, pcm24(frames), desk.idleMsMax) : sendWav(reply, frames);
  });
}

async function* pcm24(frames: AsyncIterable<AudioFrame>): AsyncIterable<Buffer> {
  const converter = new Pcm24();
  try {
    for await (const frame of frames) yield await converter.push(frame);
  } finally {
    converter.close();
  }
}

async function sendWav(reply: FastifyReply, frames: AsyncIterable<AudioFrame>): Promise<FastifyReply> {
  const sound: Buffer[] = [];
  let rateHz = 0;
  for await (const frame of frames) {
    sound.push(frame.pcm);
    rateHz = frame.rateHz;
  }
  return reply.type('audio/wav').send(wavFile(Buffer.concat(sound), rateHz || OPENAI_RATE_HZ));
}

/** The first piece decides whether the answer is sound or a refusal; one that breaks off later is cut, so that nobody takes it for whole. */
async function sendPcm(reply: FastifyReply, sound: AsyncIterable<Buffer>, idleMsMax: number): Promise<FastifyReply> {
  const source = sound[Symbol.asyncIterator]();
  let next = await source.next();
  const raw = beginStream(reply, { 'content-type': `audio/pcm;rate=${OPENAI_RATE_HZ}` });
  try {
    for (; !next.done; next = await source.next()) await write(raw, next.value, idleMsMax);
    raw.addTrailers(Object.fromEntries(reply.trailers));
    raw.end();
  } catch {
    raw.destroy();
  } finally {
    await source.return?.();
  }
  return reply;
}
