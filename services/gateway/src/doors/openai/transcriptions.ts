import { MeshError, type TranscribeResponse } from '@smartlite/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { IntakeLimits } from '../../audio/intake.ts';
import type { Ports } from '../../engine.ts';
import { Statement } from '../../turn/statement.ts';
import { transcribe } from '../../work.ts';
import type { Desk } from '../desk.ts';
import { audioForm } from '../form.ts';
import { tierName } from './names.ts';
import { asrLatencyMs, parse } from './parse.ts';

const NAME = 'POST /v1/audio/transcriptions';
const fieldsSchema = z.object({
  model: z.string().max(64).optional(),
  asr_latency_ms: asrLatencyMs,
  response_format: z
    .enum(['json', 'text', 'verbose_json', 'srt', 'vtt'], { error: 'give json, text, verbose_json, srt or vtt' })
    .default('json'),
  language: z
    .string()
    .regex(/^en(glish)?([-_].*)?$/i, { error: 'only English is recognised' })
    .optional(),
  'timestamp_granularities[]': z.literal('segment', { error: 'only segments have times here' }).optional(),
  stream: z.enum(['false', '0', ''], { error: 'is not offered here; POST /v1/voice/turns and /v1/realtime stream' }).optional(),
});

/** `POST /v1/audio/transcriptions` */
export function transcriptions(app: FastifyInstance, desk: Desk, ports: Ports, limits: IntakeLimits): void {
  app.post('/v1/audio/transcriptions', async (request, reply) => {
    let format = '';
    const results = desk.serve(request, reply, { name: NAME, inSafeMode: 'diagnose' }, async function* (call) {
      const statement = new Statement(ports.newSalt());
      const { audio, fields } = await audioForm(request, limits, desk.idleMsMax, (file) => statement.heard(file));
      const { response_format, model, asr_latency_ms: latencyMs } = parse(fieldsSchema, Object.fromEntries(fields), 'form');
      format = response_format;
      yield* transcribe(ports, once(audio), { tier: tierName(model), latencyMs }, statement, call);
    });
    let result: TranscribeResponse | undefined;
    for await (const each of results) result = each;
    if (!result) throw new MeshError('unavailable', 'the recogniser ended without a transcript');
    const { type, body } = rendered(result, format);
    return reply
      .header('x-smartlite-model', result.servedBy?.model ?? '')
      .type(type)
      .send(body);
  });
}

async function* once(audio: Uint8Array): AsyncIterable<Uint8Array> {
  yield audio;
}

function rendered(
  { transcript, audioMs }: TranscribeResponse,
  format: string,
): { readonly type: string; readonly body: unknown } {
  const text = transcript?.text ?? '';
  const plain = (body: string) => ({ type: 'text/plain; charset=utf-8', body });
  const from = transcript?.startMs ?? 0;
  const to = transcript?.endMs || audioMs;
  switch (format) {
    case 'text':
      return plain(`${text}\n`);
    case 'srt':
      return plain(text === '' ? '' : `1\n${clock(from, ',')} --> ${clock(to, ',')}\n${text}\n\n`);
    case 'vtt':
      return plain(`WEBVTT\n\n${text === '' ? '' : `${clock(from, '.')} --> ${clock(to, '.')}\n${text}\n\n`}`);
    case 'verbose_json':
      return {
        type: 'application/json; charset=utf-8',
        body: {
          task: 'transcribe',
          language: 'english',
          duration: audioMs / 1_000,
          text,
          segments:
            text === '' ? [] : [{ id: 0, seek: 0, start: from / 1_000, end: to / 1_000, text, tokens: [], temperature: 0 }],
        },
      };
    default:
      return { type: 'application/json; charset=utf-8', body: { text } };
  }
}

/** `hh:mm:ss,mmm`, as subtitles want it. */
function clock(ms: number, point: string): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}${point}${String(ms % 1_000).padStart(3, '0')}`;
}
