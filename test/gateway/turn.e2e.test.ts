import { type AuditEntry, type SpanRecord, STREAMS } from '@smartlite/contracts';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, type ScriptedMesh, scriptedMesh, type TurnEvent } from './scriptedmesh.ts';

const RATE_HZ = 16_000;
/** A loud tone counts as speech to the scripted voice detector. */
const SPEECH = new Uint8Array(Int16Array.from({ length: 4 * RATE_HZ }, (_, at) => Math.round(8_000 * Math.sin(at / 6))).buffer);
const HALF = SPEECH.length / 2;
const raw = { method: 'POST', headers: { 'content-type': `audio/l16;rate=${RATE_HZ}` } };
const PATIENCE = { timeout: 60_000, interval: 100 };

let mesh: ScriptedMesh;
beforeAll(async () => {
  mesh = await scriptedMesh({ SMARTLITE_IDLE_MS_MAX: '60000' });
});
afterAll(() => mesh[Symbol.asyncDispose]());

/** Everything that JetStream holds of a stream. */
async function stored<T>(stream: string): Promise<T[]> {
  const nats = await connect({ servers: mesh.natsUrl });
  try {
    const manager = await nats.jetstreamManager();
    const { state } = await manager.streams.info(stream);
    const messages = Array.from({ length: state.messages }, (_, index) =>
      manager.streams.getMessage(stream, { seq: state.first_seq + index }),
    );
    return (await Promise.all(messages)).map((message) => message.json<T>());
  } finally {
    await nats.close();
  }
}

describe('the status that the console shows', () => {
  it('names every instance of the mesh and its mode', async () => {
    interface Instance {
      readonly service: string;
      readonly mode: string;
    }
    const instances = async () =>
      ((await (await mesh.fetch('/status')).json()) as { instances: Instance[] }).instances.map(
        ({ service, mode }) => `${service} ${mode}`,
      );
    const all = ['asr', 'budget', 'gateway', 'llm', 'tts'].map((service) => `${service} normal`);
    await expect.poll(async () => (await instances()).toSorted(), PATIENCE).toEqual(all);
  });
});

describe('a turn through the whole mesh', () => {
  it('streams at both ends: a partial before the second half is sent, speech while the model is held at its second sentence', async () => {
    const partial = Promise.withResolvers<void>();
    const body = ReadableStream.from(
      (async function* () {
        yield SPEECH.subarray(0, HALF);
        await partial.promise;
        yield SPEECH.subarray(HALF);
      })(),
    );
    const seen: TurnEvent[] = [];
    for await (const each of eventsOf(await mesh.fetch('/v1/voice/turns', { ...raw, body, duplex: 'half' }))) {
      if (each.event === 'transcript.partial') partial.resolve();
      if (each.event === 'audio') mesh.domain.release('second-sentence');
      seen.push(each);
    }
    const order = seen.map(({ event }) => event).filter((event, at, all) => all.indexOf(event) === at);
    expect(order).toEqual(['transcript.partial', 'transcript.final', 'answer.delta', 'audio', 'done']);
    expect(seen.at(-1)?.data).toMatchObject({
      transcript: 'hello world',
      answer: 'Hello there. How are you?',
      servedBy: { asr: { model: 'ears' }, llm: { model: 'mind' }, tts: { model: 'mouth' } },
      budget: { llmTokens: 12, asrSeconds: 4 },
    });
  });

  it('is one trace over gateway, asr, llm, tts and budget, with its receipt in the trail (one-trace)', async () => {
    const response = await mesh.fetch('/v1/voice/turns', { ...raw, body: SPEECH.subarray(0, HALF) });
    let done: TurnEvent['data'] = {};
    for await (const { event, data } of eventsOf(response)) if (event === 'done') done = data;
    const traceId = response.headers.get('traceparent')?.split('-')[1];
    expect(done['traceId']).toBe(traceId);
    const spans = async () => (await stored<SpanRecord[]>(STREAMS.traces)).flat().filter((span) => span.traceId === traceId);
    const services = async () => new Set((await spans()).map(({ service }) => service));
    await expect.poll(services, PATIENCE).toEqual(new Set(['gateway', 'asr', 'llm', 'tts', 'budget']));
    const entry = async () => (await stored<AuditEntry>(STREAMS.audit)).find(({ id }) => id === done['audit']);
    await expect.poll(entry, PATIENCE).toMatchObject({ kind: 'turn.answered', actor: 'acme/ann', traceId });
  });

  it('leaves nothing of what was said in any log, span, metric or audit entry (quiet-logs)', async () => {
    // Planted on every way in that takes text; what the models hear and say is scripted.
    const canary = 'canary-3f9a text of a user';
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const messages = [{ role: 'user', content: canary }];
    await (await mesh.fetch('/v1/chat/completions', { ...json, body: JSON.stringify({ messages }) })).text();
    await (
      await mesh.fetch('/v1/audio/speech', { ...json, body: JSON.stringify({ input: canary, voice: 'alloy' }) })
    ).arrayBuffer();
    const response = await mesh.fetch('/v1/voice/turns', { ...raw, body: SPEECH.subarray(0, HALF) });
    let salt = '';
    for await (const { event, data } of eventsOf(response)) if (event === 'done') salt = String(data['receiptSalt']);
    expect(salt).toMatch(/^[0-9a-f]{32}$/);
    const traceId = response.headers.get('traceparent')?.split('-')[1];
    const spans = () => stored<SpanRecord[]>(STREAMS.traces);
    // Each service sends its spans when it comes to it: wait for the gateway's own, of all three.
    const doors = ['/v1/chat/completions', '/v1/audio/speech', '/v1/voice/turns'];
    const missing = async () => {
      const names = new Set((await spans()).flat().map(({ name }) => name));
      return doors.filter((door) => ![...names].some((name) => name.includes(door)));
    };
    await expect.poll(missing, PATIENCE).toEqual([]);
    await expect.poll(async () => (await spans()).flat().some((span) => span.traceId === traceId), PATIENCE).toBe(true);
    const metrics = [...mesh.services.values()].map(async (service) => (await fetch(`http://${service.metrics}/metrics`)).text());
    const written = {
      logs: [...mesh.services.values()].map((service) => service.output()).join('\n'),
      spans: JSON.stringify(await spans()),
      metrics: (await Promise.all(metrics)).join('\n'),
      entries: JSON.stringify(await stored<AuditEntry>(STREAMS.audit)),
    };
    // That each was really read.
    expect(written.logs).toContain('the service is up');
    expect(written.spans).toContain('/v1/chat/completions');
    expect(written.metrics).toContain('smartlite_');
    expect(written.entries).toContain('turn.answered');
    const audio = [SPEECH.subarray(1_000, 1_096), SPEECH.subarray(4_001, 4_097)].flatMap((bytes) => {
      const buffer = Buffer.from(bytes);
      return [buffer.toString('base64').slice(0, 120), buffer.toString('hex')];
    });
    const secrets = ['hello world', 'Hello there', 'How are you', 'canary-3f9a', 'key-of-ann', salt, ...audio];
    const found = Object.entries(written).flatMap(([where, text]) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => `${where}: ${secret}`),
    );
    expect(found).toEqual([]);
  });
});

describe('a fleet in safe mode', () => {
  it('has a gateway that stays ready and says 503 with the reason; and serves the next turn when released', async () => {
    mesh.verifier.become('safe', { reasons: ['DIGEST_MISMATCH: mind'] });
    const ask = () => mesh.fetch('/v1/voice/turns', { ...raw, body: SPEECH.subarray(0, HALF) });
    const refused = async () => {
      const response = await ask();
      return [response.status, response.headers.get('retry-after'), await response.text()];
    };
    await expect.poll(refused, PATIENCE).toEqual([503, '2', expect.stringContaining('"reason":"SAFE_MODE"')]);
    expect((await mesh.fetch('/readyz')).status).toBe(200);
    mesh.verifier.become('normal');
    const answered = async () => {
      const response = await ask();
      return [response.status, (await response.text()).includes('event: done')];
    };
    await expect.poll(answered, PATIENCE).toEqual([200, true]);
  });
});

describe('a gateway that is told to stop', () => {
  it('ends with code 0', async () => {
    expect(await mesh.services.get('gateway')?.stop()).toEqual({ code: 0, signal: null });
  });
});
