import { MeshError, type TurnDone, type TurnResponse, type TurnSettings } from '@smartlite/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { intake, type IntakeLimits, RATE_HZ } from '../audio/intake.ts';
import { RATE_HZ_MAX, RATE_HZ_MIN } from '../audio/samples.ts';
import { wavFile } from '../audio/wavfile.ts';
import type { Ports } from '../engine.ts';
import { Statement } from '../turn/statement.ts';
import { takeTurn } from '../turn/turn.ts';
import { type Desk, header } from './desk.ts';
import { asrLatencyMs, parse } from './openai/parse.ts';
import { sendEvents } from './sse.ts';

const query = z.strictObject({
  tier: z.string().max(64).default(''),
  asr_tier: z.string().max(64).default(''),
  asr_latency_ms: asrLatencyMs,
  voice: z.string().max(64).default(''),
  time_zone: z.string().max(64).default(''),
  end_at_pause: z.enum(['true', 'false']).default('false'),
});

/** `POST /v1/voice/turns`: audio in; events and audio out, or one audio file with `Accept: audio/wav`. */
export function voiceTurns(app: FastifyInstance, desk: Desk, ports: Ports, limits: IntakeLimits): void {
  // Audio is taken as it comes, whatever its content type says: it is told by its content.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.post('/v1/voice/turns', async (request, reply) => {
    const settings = settingsOf(request);
    const rate = rawRateOf(header(request, 'content-type'));
    if (Number(header(request, 'content-length') ?? 0) > limits.uploadBytesMax)
      throw new MeshError('payload-too-large', `the upload is larger than ${limits.uploadBytesMax} bytes`);
    const turn = desk.serve(request, reply, { name: 'POST /v1/voice/turns', inSafeMode: 'refuse' }, (call) => {
      const statement = new Statement(ports.newSalt());
      return takeTurn(ports, settings, intake(statement.heard(desk.body(request)), limits, rate), statement, call);
    });
    const wanted = header(request, 'accept') ?? '';
    if (wanted.includes('audio/wav')) return sendFile(reply, turn);
    return sendEvents(reply, turn, {
      event: eventOf,
      failure: (body) => `event: error\ndata: ${JSON.stringify(body)}\n\n`,
      idleMsMax: desk.idleMsMax,
    });
  });
}

function settingsOf(request: FastifyRequest): TurnSettings {
  const asked = parse(query, request.query, 'query');
  const { tier, asr_tier: asrTier, asr_latency_ms: latencyMs, voice, time_zone: timeZone } = asked;
  return {
    tier,
    asrTier,
    asrLatencyMs: latencyMs,
    voice,
    timeZone,
    history: [],
    timers: [],
    endAtPause: asked.end_at_pause === 'true',
  };
}

/** `audio/l16;rate=16000` is raw s16le, mono; everything else is told by its content. */
function rawRateOf(contentType = ''): number | undefined {
  if (!/^audio\/l16\s*(?:;.*)?$/i.test(contentType)) return undefined;
  const parameter = (name: string) => new RegExp(`;\\s*${name}\\s*=\\s*"?([^";\\s]*)`, 'i').exec(contentType)?.[1];
  const rate = Number(parameter('rate') ?? RATE_HZ);
  if (!(rate >= RATE_HZ_MIN && rate <= RATE_HZ_MAX))
    throw new MeshError('unsupported-media', `content-type: rate ${parameter('rate')} is not ${RATE_HZ_MIN} to ${RATE_HZ_MAX}`);
  if ((parameter('channels') ?? '1') !== '1')
    throw new MeshError('unsupported-media', 'content-type: raw samples are of one channel here; send several as WAV');
  return rate;
}

function eventOf({ kind }: TurnResponse): string {
  const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  switch (kind?.$case) {
    case 'partial':
      return event('transcript.partial', { text: kind.value.text });
    case 'transcript':
      return event('transcript.final', { text: kind.value.text, confidence: kind.value.confidence });
    case 'answerDelta':
      return event('answer.delta', { text: kind.value });
    case 'audio':
      return event('audio', { pcm: kind.value.pcm.toString('base64'), rate_hz: kind.value.rateHz, encoding: 's16le' });
    case 'done':
      return event('done', doneFacts(kind.value));
    case undefined:
      return '';
  }
}

/** What `smartlite talk --json` prints. */
export function doneFacts(done: TurnDone) {
  const { latency, charge } = done;
  return {
    transcript: done.transcript,
    answer: done.answer,
    servedBy: { asr: done.asrServedBy ?? null, llm: done.llmServedBy ?? null, tts: done.ttsServedBy ?? null },
    latencyMs: {
      finalTranscript: Math.round(latency?.finalTranscriptMs ?? 0),
      firstToken: Math.round(latency?.firstTokenMs ?? 0),
      firstAudio: Math.round(latency?.firstAudioMs ?? 0),
      done: Math.round(latency?.doneMs ?? 0),
    },
    traceId: done.traceId,
    budget: {
      reservation: charge?.reservationId ?? '',
      llmTokens: charge?.llmTokens ?? 0,
      asrSeconds: (charge?.asrMs ?? 0) / 1_000,
      ttsCharacters: charge?.ttsCharacters ?? 0,
    },
    audit: done.auditId,
    finishReason: done.finishReason,
    receipt: done.receipt,
    receiptSalt: done.receiptSalt,
  };
}

/** The whole reply as one WAV; who answered stands in the headers. */
async function sendFile(reply: FastifyReply, turn: AsyncIterable<TurnResponse>): Promise<FastifyReply> {
  const sound: Buffer[] = [];
  let rateHz = RATE_HZ;
  let done: TurnDone | undefined;
  for await (const { kind } of turn) {
    if (kind?.$case === 'audio') {
      sound.push(kind.value.pcm);
      rateHz = kind.value.rateHz;
    }
    if (kind?.$case === 'done') done = kind.value;
  }
  if (!done) throw new MeshError('unavailable', 'the turn ended without an answer');
  const { llmServedBy: by } = done;
  const receipt = {
    'x-smartlite-audit': done.auditId,
    'x-smartlite-model': by?.model ?? '',
    'x-smartlite-lock': by?.lockDigest ?? '',
    'x-smartlite-order': by?.statusOrder ?? '',
  };
  return reply
    .headers(receipt)
    .type('audio/wav')
    .send(wavFile(Buffer.concat(sound), rateHz));
}
