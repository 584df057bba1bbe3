import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { canonicalBytes, type SaltedPart, saltedHash } from '@smartlite/trust';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { allEvents, type Edge, edge, QUESTION } from './fixtures/edge.ts';
import { HEARD, SENTENCES } from './fixtures/stages.ts';

const ANSWER = SENTENCES.join('').trim();
const MESSAGES = [{ role: 'user' as const, content: 'What time is it?' }];
const clientOf = ({ url, keys }: Edge) => new OpenAI({ baseURL: `${url}/v1`, apiKey: keys.ann, maxRetries: 0 });

/** The harness' trail gives a receipt as plain JSON: what it would sign. */
interface Said {
  readonly request: Readonly<Record<string, string>>;
  readonly output: Readonly<Record<string, string>>;
  readonly stages: readonly { readonly stage: string; readonly model: string }[];
}
const said = (receipt: unknown) => JSON.parse(String(receipt)) as Said;
function digest(salt: unknown, part: SaltedPart, bytes: Uint8Array | string): string {
  const hash = saltedHash(String(salt), part);
  hash.update(bytes);
  return hash.hex();
}
const headersOf = (response: Response) => ({
  receipt: response.headers.get('x-smartlite-receipt'),
  salt: response.headers.get('x-smartlite-receipt-salt'),
});

describe('every answer brings its receipt, and the salt of the digests in it', () => {
  it('a streamed turn: in its last event, over the upload byte for byte and all that was heard, said and spoken', async () => {
    await using gate = await edge();
    const events = await allEvents(await gate.turn(QUESTION));
    const { receipt, receiptSalt: salt } = events.at(-1)?.data ?? {};
    const audio = events.filter(({ event }) => event === 'audio').map(({ data }) => Buffer.from(String(data['pcm']), 'base64'));
    expect(said(receipt)).toMatchObject({
      request: { audio: digest(salt, 'audio', QUESTION) },
      output: {
        transcript: digest(salt, 'transcript', HEARD),
        answer: digest(salt, 'answer', ANSWER),
        audio: digest(salt, 'audio', Buffer.concat(audio)),
      },
      stages: [
        { stage: 'asr', model: 'ears', because: 'it is the primary', order: '1.1.1.1', tier: 'standard' },
        { stage: 'llm', model: 'mind' },
        { stage: 'tts', model: 'mouth1' },
      ],
    });
    const [entry] = gate.mesh.trail.entries;
    expect(entry?.facts).toMatchObject({ receipt, request_audio: digest(salt, 'audio', QUESTION), llm_order: '1.1.1.1' });
    expect(JSON.stringify(gate.mesh.trail.entries)).not.toContain(String(salt));
  });

  it('a turn as one file: in its headers, over the samples after the file’s head', async () => {
    await using gate = await edge();
    const response = await gate.turn(QUESTION, { headers: { accept: 'audio/wav' } });
    const { receipt, salt } = headersOf(response);
    const samples = Buffer.from(await response.arrayBuffer()).subarray(44);
    expect(said(receipt).output['audio']).toBe(digest(salt, 'audio', samples));
  });

  it('a transcription: in its headers, over the recording and not the form around it', async () => {
    await using gate = await edge();
    const form = new FormData();
    form.set('file', new Blob([QUESTION]), 'clip.wav');
    const response = await gate.fetch('/v1/audio/transcriptions', { method: 'POST', body: form });
    const { receipt, salt } = headersOf(response);
    expect(said(receipt)).toMatchObject({
      request: { audio: digest(salt, 'audio', QUESTION) },
      output: { transcript: digest(salt, 'transcript', HEARD) },
      stages: [{ stage: 'asr' }],
    });
  });

  it('a chat: in the body and the headers when whole, in the last chunk when streamed', async () => {
    await using gate = await edge();
    const chat = clientOf(gate).chat.completions;
    const whole = await chat.create({ model: 'standard', messages: MESSAGES }).withResponse();
    const kept = whole.data as unknown as Record<string, string>;
    expect(headersOf(whole.response)).toEqual({ receipt: kept['receipt'], salt: kept['receipt_salt'] });
    expect(said(kept['receipt'])).toMatchObject({
      request: { messages: digest(kept['receipt_salt'], 'messages', canonicalBytes(MESSAGES)) },
      output: { answer: digest(kept['receipt_salt'], 'answer', ANSWER) },
    });
    const chunks: unknown[] = [];
    for await (const chunk of await chat.create({ model: 'standard', messages: MESSAGES, stream: true })) chunks.push(chunk);
    const last = chunks.at(-1) as Record<string, unknown> & { choices: readonly { finish_reason: string }[] };
    expect(last.choices[0]?.finish_reason).toBe('stop');
    expect(said(last['receipt']).output).toEqual({ answer: digest(last['receipt_salt'], 'answer', ANSWER) });
  });

  it('speech: in its headers when whole, in HTTP trailers when streamed', async () => {
    await using gate = await edge();
    const ask = { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${gate.keys.ann}` } };
    const body = (response_format: string) => JSON.stringify({ input: ANSWER, model: 'tts-1', voice: 'alloy', response_format });
    const wav = headersOf(await gate.fetch('/v1/audio/speech', { ...ask, body: body('wav') }));
    expect(said(wav.receipt).request).toEqual({ input: digest(wav.salt, 'input', ANSWER) });
    const streaming = request(`${gate.url}/v1/audio/speech`, ask).end(body('pcm'));
    const [response] = (await once(streaming, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    const { 'x-smartlite-receipt': receipt, 'x-smartlite-receipt-salt': salt } = response.trailers;
    expect(said(receipt).request).toEqual({ input: digest(salt, 'input', ANSWER) });
  });
});

describe('a request that is refused leaves its entry, with the reason and the trace', () => {
  it('because no region may see it', async () => {
    const residency = { regions: ['eu', 'us'], rules: [{ name: 'acme-stays', tenant: 'acme', allow: ['eu'] }] };
    await using gate = await edge({ pack: { residency_policy: residency } });
    const response = await gate.turn(QUESTION, { headers: { 'x-smartlite-region': 'us' } });
    const traceId = response.headers.get('traceparent')?.split('-')[1];
    expect(response.status).toBe(451);
    expect(gate.mesh.trail.entries).toMatchObject([
      { kind: 'call.refused', actor: 'ann', facts: { method: 'POST /v1/voice/turns', reason: 'NO_COMPLIANT_REGION' } },
    ]);
    expect(gate.mesh.trail.entries[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('because it has no good key; whoever hammers is counted, and does not fill the trail', async () => {
    await using gate = await edge();
    for (let asked = 0; asked < 30; asked += 1) await gate.fetch('/v1/models', { key: 'slk_wrong' });
    const response = await gate.fetch('/v1/models', { key: 'slk_wrong', headers: {} });
    expect(response.status).toBe(401);
    const { trail } = gate.mesh;
    const told = () => trail.entries.reduce((sum, { facts }) => sum + Number(facts['count'] ?? 1), 0);
    await expect.poll(told, { timeout: 30_000 }).toBe(31);
    expect(trail.entries.length).toBeLessThan(31);
    expect(trail.entries[0]).toMatchObject({ kind: 'call.refused', actor: 'nobody', facts: { reason: 'UNAUTHENTICATED' } });
    expect(JSON.stringify(trail.entries)).not.toContain('slk_wrong');
  });
});
