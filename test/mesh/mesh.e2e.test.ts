import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SpanRecord } from '@smartlite/contracts';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clips } from '../speech/clips.ts';
import { comparableWords, wordErrors } from '../speech/words.ts';
import { type RealMesh, realMesh } from './realmesh.ts';

interface TurnFacts {
  readonly transcript: string;
  readonly answer: string;
  readonly servedBy: Readonly<
    Record<'asr' | 'llm' | 'tts', Readonly<Record<'model' | 'engine' | 'instance' | 'because', string>>>
  >;
  readonly latencyMs: Readonly<Record<string, number>>;
  readonly traceId: string;
  readonly budget: {
    readonly reservation: string;
    readonly llmTokens: number;
    readonly asrSeconds: number;
    readonly ttsCharacters: number;
  };
  readonly audit: string;
}
interface StatusFacts {
  readonly mode: string;
  readonly instances: readonly {
    readonly service: string;
    readonly id: string;
    readonly pid: number;
    readonly inflight: number;
  }[];
}

const CLIP = (file: string) => join(import.meta.dirname, '..', 'speech', file);
/** Words of all clips, and how many of them may be wrong. */
const WORDS = 63;
const WORD_ERRORS_MAX = 1;
const SERVICES = ['asr', 'audit', 'budget', 'gateway', 'llm', 'tts', 'verifier'];
/** Where a WAV file says how many samples a second has: Flite makes 16,000, eSpeak-NG 22,050. */
const RATE_AT = 24;
/** Looking at processes that come and go. */
const PATIENCE = { timeout: 120_000, interval: 250 };

let mesh: RealMesh;
beforeAll(async () => {
  mesh = await realMesh({ up: ['--scale', 'asr=2,tts=2'] });
});
afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
});

const talk = (file: string, ...more: string[]) =>
  mesh.facts<TurnFacts>('talk', file, '--out', join(mesh.home, 'reply.wav'), ...more);
const status = () => mesh.facts<StatusFacts>('status');
const post = (path: string, init: RequestInit) =>
  fetch(`${mesh.gateway}${path}`, {
    method: 'POST',
    ...init,
    headers: { authorization: `Bearer ${mesh.apiKey}`, ...init.headers },
  });

/** Somebody who asks in the mesh's own voice. */
async function spoken(text: string, voice = 'alloy'): Promise<Buffer> {
  const response = await post('/v1/audio/speech', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tts-1', voice, input: text, response_format: 'wav' }),
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

async function understood(audio: Buffer): Promise<string> {
  const form = new FormData();
  form.append('model', 'whisper-1');
  form.append('file', new Blob([new Uint8Array(audio)]), 'speech.wav');
  return ((await (await post('/v1/audio/transcriptions', { body: form })).json()) as { text: string }).text;
}

/** One turn, straight at the gateway: its events by name, in order. */
async function turn(audio: Buffer, query = ''): Promise<{ status: number; events: readonly { event: string; data: string }[] }> {
  const response = await post(`/v1/voice/turns${query}`, {
    body: new Uint8Array(audio),
    headers: { 'content-type': 'audio/wav' },
  });
  const events = (await response.text()).split('\n\n').flatMap((block) => {
    const match = /^event: (.*)\ndata: (.*)$/m.exec(block);
    return match ? [{ event: match[1] ?? '', data: match[2] ?? '' }] : [];
  });
  return { status: response.status, events };
}
const doneOf = (events: readonly { event: string; data: string }[]) =>
  JSON.parse(events.find(({ event }) => event === 'done')?.data ?? '{}') as Partial<TurnFacts>;

describe('a mesh that has just been started', () => {
  it('transcribes every recorded clip with at most one wrong word of 63', async () => {
    let errors = 0;
    let words = 0;
    for (const { file, transcript } of await clips()) {
      const { transcript: heard } = await talk(CLIP(file));
      errors += wordErrors(transcript, heard);
      words += comparableWords(transcript).length;
    }
    expect(words).toBeGreaterThanOrEqual(WORDS);
    expect(errors).toBeLessThanOrEqual(WORD_ERRORS_MAX);
  });

  it('answers by the language model of the pack, in speech that a recogniser understands', async () => {
    const { answer, servedBy } = await talk(CLIP('goforward.wav'));
    expect(servedBy).toMatchObject({ asr: { model: 'moonshine-base' }, llm: { engine: 'gguf' }, tts: { model: 'flite' } });
    const text = await understood(readFileSync(join(mesh.home, 'reply.wav')));
    expect(wordErrors(answer, text)).toBeLessThanOrEqual(Math.ceil(comparableWords(answer).length / 4));
  });

  it('answers different questions differently, with facts from its tools', async () => {
    const sum = doneOf((await turn(await spoken('What is twelve plus thirty?'))).events);
    const time = doneOf((await turn(await spoken('What time is it?'))).events);
    expect(sum.answer).toMatch(/42|forty[- ]two/i);
    expect(time.answer).toMatch(/\d:\d\d/);
  });

  // That the engines' own phones are the lexicon's is shown in test/speech.
  it.each(['SmartLite', 'Qdrant', 'nginx', 'Siobhan'])(
    'speaks a term of the lexicon so that it is written back: %s',
    async (term) => {
      expect(await understood(await spoken(`What is ${term}?`))).toContain(term);
    },
  );

  it('speaks in the voice that is named, by the model that has it', async () => {
    const rateOf = async (voice: string) => (await spoken('Hello there.', voice)).readUInt32LE(RATE_AT);
    expect(await rateOf('rms')).toBe(16_000);
    // On a machine that is too busy for it the usual voice steps in, as it should.
    await expect.poll(() => rateOf('en-us'), PATIENCE).toBe(22_050);
  });

  it('charges what was used: tokens, seconds of audio, characters spoken', async () => {
    const { answer, budget } = await talk(CLIP('goforward.wav'));
    expect(budget.reservation).not.toBe('');
    expect(budget.llmTokens).toBeGreaterThan(0);
    expect(budget.asrSeconds).toBeCloseTo(2.786, 1);
    expect(budget.ttsCharacters).toBe(answer.length);
  });

  it('leaves one connected trace of gateway, asr, llm, tts and budget (one-trace)', async () => {
    const { traceId } = await talk(CLIP('cards_003.wav'));
    const wanted = ['asr', 'budget', 'gateway', 'llm', 'tts'];
    const spansOf = async () => (await mesh.facts<{ spans: readonly SpanRecord[] }>('trace', traceId)).spans;
    await expect
      .poll(async () => [...new Set((await spansOf()).map(({ service }) => service))].toSorted(), PATIENCE)
      .toEqual(wanted);
    const spans = await spansOf();
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const roots = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId ?? ''));
    expect(roots.map(({ service }) => service)).toEqual(['gateway']);
    const told = spans.filter(({ attributes }) => String(attributes['smartlite.because']).includes('of tier'));
    expect([...new Set(told.map(({ service }) => service))].toSorted()).toEqual(['asr', 'llm', 'tts']);
    expect(told.every(({ attributes }) => attributes['gen_ai.response.model'] !== undefined)).toBe(true);
  });

  it('hears by a quicker tier for a caller who wants the text sooner, and says why in the answer and in the trace', async () => {
    const { events } = await turn(readFileSync(CLIP('goforward.wav')), '?asr_latency_ms=300');
    const { transcript, servedBy, traceId = '' } = doneOf(events);
    const why = 'tier realtime_streaming was chosen: baseline_conformer aims at 800 ms, the caller at 300';
    expect(wordErrors('go forward ten meters', transcript ?? '')).toBeLessThanOrEqual(1);
    expect(servedBy?.asr.because).toContain(`prefers a gpu and is served on cpu; ${why}`);
    const reasons = async () => {
      const { spans } = await mesh.facts<{ spans: readonly SpanRecord[] }>('trace', traceId);
      return spans.map(({ attributes }) => attributes['smartlite.asr_because']);
    };
    await expect.poll(reasons, PATIENCE).toContain(why);
  });

  it('leaves an audit entry that can be found and proved', async () => {
    const { audit, traceId } = await talk(CLIP('cards_003.wav'));
    const found = async () => (await mesh.smartlite('audit', 'query', '--trace', traceId, '--json')).stdout;
    await expect.poll(found, PATIENCE).toContain(audit);
    await expect
      .poll(async () => (await mesh.smartlite('audit', 'prove', audit, '--out', join(mesh.home, 'proof'))).code, PATIENCE)
      .toBe(0);
    expect((await mesh.smartlite('audit', 'verify')).code).toBe(0);
  });

  it('has an entry of the command that started it', async () => {
    const found = async () => (await mesh.smartlite('audit', 'query', '--kind', 'operator.command', '--json')).stdout;
    await expect.poll(found, PATIENCE).toContain('"command":"up","scale":"asr=2,tts=2"');
  });
});

describe('services that run twice', () => {
  it('are seen in status and by a plain NATS micro ping', async () => {
    const { instances, mode } = await status();
    expect(mode).toBe('normal');
    expect(instances.map(({ service }) => service).toSorted()).toEqual([...SERVICES, 'asr', 'tts'].toSorted());
    const pinged = await withNats(ping);
    expect(pinged.toSorted()).toEqual([...SERVICES, 'asr', 'tts'].toSorted());
  });

  it('share the load', async () => {
    const question = readFileSync(CLIP('cards_003.wav'));
    const turns = await Promise.all(Array.from({ length: 6 }, () => turn(question)));
    const served = turns.map(({ events }) => doneOf(events).servedBy);
    expect(new Set(served.map((by) => by?.asr.instance)).size).toBe(2);
    expect(new Set(served.map((by) => by?.tts.instance)).size).toBe(2);
  });

  it.each(['asr', 'tts'])(
    'lose no turn that had not begun to speak when one %s is killed (no-caller-sees-it)',
    async (service) => {
      const question = readFileSync(CLIP('cards_003.wav'));
      const victim = (await status()).instances.find((instance) => instance.service === service);
      const turns = Array.from({ length: 8 }, async (_, index) => {
        await wait(index * 150);
        return turn(question);
      });
      await turns[0];
      process.kill(victim?.pid ?? 0, 'SIGKILL');
      const lost = (await Promise.all(turns)).filter(({ events }) => {
        const names = events.map(({ event }) => event);
        return !names.includes('done') && !names.includes('audio');
      });
      expect(lost).toEqual([]);
      // The supervisor starts it again.
      await expect.poll(async () => (await status()).instances.length, PATIENCE).toBe(SERVICES.length + 2);
    },
  );
});

describe('bad input', () => {
  it.each([
    ['an empty file', Buffer.alloc(0), 400],
    ['a text that is named .wav', Buffer.from('this is no audio at all, only words\n'.repeat(20)), 415],
    ['a header that ends in the middle', readFileSync(CLIP('cards_003.wav')).subarray(0, 30), 415],
  ])('is refused with its reason, and the next turn is served: %s', async (_name, audio, code) => {
    const refused = await post('/v1/voice/turns', { body: new Uint8Array(audio), headers: { 'content-type': 'audio/wav' } });
    const { error } = (await refused.json()) as { error: { message: string } };
    expect(refused.status).toBe(code);
    expect(error.message).not.toBe('');
    expect(doneOf((await turn(readFileSync(CLIP('cards_003.wav')))).events).transcript).toMatch(/seven of clubs/i);
  });

  it('of silence gets an answer that says so', async () => {
    const silence = readFileSync(CLIP('goforward.wav'));
    silence.fill(0, 44);
    const { status: code, events } = await turn(silence);
    expect(code).toBe(200);
    expect(doneOf(events)).toMatchObject({ transcript: '' });
  });
});

describe('a verifier that is stopped', () => {
  it('lets no service serve once its lease is over, and all again when it goes on (fail-closed)', async () => {
    const question = readFileSync(CLIP('cards_003.wav'));
    const verifier = (await status()).instances.find(({ service }) => service === 'verifier');
    process.kill(verifier?.pid ?? 0, 'SIGSTOP');
    try {
      await expect.poll(async () => (await turn(question)).status, PATIENCE).toBe(503);
    } finally {
      process.kill(verifier?.pid ?? 0, 'SIGCONT');
    }
    await expect.poll(async () => doneOf((await turn(question)).events).transcript ?? '', PATIENCE).toMatch(/seven of clubs/i);
  });
});

async function withNats<T>(work: (nats: NatsConnection) => Promise<T>): Promise<T> {
  const { url, user, pass } = mesh.nats;
  const nats = await connect({ servers: url, user, pass });
  try {
    return await work(nats);
  } finally {
    await nats.close();
  }
}

/** The names of all services that answer `$SRV.PING`. */
async function ping(nats: NatsConnection): Promise<string[]> {
  const names: string[] = [];
  for await (const answer of await nats.requestMany('$SRV.PING', undefined, { maxWait: 2_000 })) {
    const { name } = answer.json<{ name: string }>();
    names.push(name.replace(/^smartlite-/, ''));
  }
  return names;
}
