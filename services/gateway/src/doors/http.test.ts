import { connect } from 'node:net';
import { context, propagation, trace } from '@opentelemetry/api';
import type { PeerInstance } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wavFile } from '../audio/wavfile.ts';
import { allEvents, edge, QUESTION, eventually } from './fixtures/edge.ts';
import { HEARD } from './fixtures/stages.ts';

const CHAT = JSON.stringify({ model: 'standard', messages: [{ role: 'user', content: 'What time is it?' }] });
const json = { 'content-type': 'application/json' };
const chat = { method: 'POST', body: CHAT, headers: json };
const KEYED = ['/v1/voice/turns', '/v1/audio/transcriptions', '/v1/audio/speech', '/v1/chat/completions'];
const form = (name = 'clip.wav') => {
  const body = new FormData();
  body.set('file', new File([new Uint8Array(QUESTION)], name));
  return body;
};

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
});
afterAll(() => provider.shutdown());

describe('who calls', () => {
  it.each(KEYED)('must have a key, before anything of the body is read: %s', async (path) => {
    await using gate = await edge();
    for (const [key, message] of [
      [null, /required/],
      ['key-of-nobody', /not known/],
      ['', /required/],
    ] as const) {
      const response = await gate.fetch(path, { method: 'POST', body: '{{{', headers: json, key });
      expect([response.status, await response.json()]).toMatchObject([
        401,
        { error: { code: 'unauthenticated', type: 'authentication_error', message: expect.stringMatching(message) } },
      ]);
    }
    expect(gate.ledger.settled).toEqual([]);
  });

  it('must have a key for the list of models too', async () => {
    await using gate = await edge();
    expect((await gate.fetch('/v1/models', { key: null })).status).toBe(401);
  });

  it('is known from the first moment on, however many come at once', async () => {
    await using gate = await edge();
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await gate.fetch('/v1/models')).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('is refused a second after the key was revoked', async () => {
    await using gate = await edge();
    expect((await gate.fetch('/v1/models')).status).toBe(200);
    gate.revoke('ann');
    expect((await gate.fetch('/v1/models')).status).toBe(401);
    expect((await gate.fetch('/v1/models', { key: gate.keys.ops })).status).toBe(200);
  });

  it('may act for another user with a key that may, and is charged and audited as that user', async () => {
    await using gate = await edge();
    const asBob = { headers: { 'x-smartlite-user': 'bob' } };
    expect((await gate.turn(QUESTION, asBob)).status).toBe(403);
    const response = await gate.turn(QUESTION, { ...asBob, key: gate.keys.proxy });
    expect((await allEvents(response)).at(-1)?.event).toBe('done');
    expect(gate.stages.callers.map((call) => call?.caller)).toMatchObject([{ user: 'bob', tenant: 'acme', operator: false }]);
    expect(gate.mesh.trail.entries).toMatchObject([
      { kind: 'call.refused', facts: { reason: 'PERMISSION_DENIED' } },
      { actor: 'acme/bob' },
    ]);
  });

  it('cannot name a reservation: the same request id twice is two reservations', async () => {
    await using gate = await edge();
    for (let time = 0; time < 2; time += 1) await (await gate.turn(QUESTION, { headers: { 'x-request-id': 'same' } })).text();
    expect(new Set(gate.ledger.settled.map(({ id }) => id)).size).toBe(2);
  });
});

describe('where data may go (in-region)', () => {
  const residency = { regions: ['eu', 'us'], rules: [{ name: 'acme-stays', tenant: 'acme', allow: ['eu'] }] };

  it('is what the rule, the key and the request allow, and travels with every call', async () => {
    await using gate = await edge({ pack: { residency_policy: residency } });
    await (await gate.turn(QUESTION, { headers: { 'x-smartlite-region': 'eu, us' } })).text();
    expect(gate.stages.callers.map((call) => call?.caller.regions)).toEqual([['eu']]);
  });

  it('is nowhere, when nothing is left: 451, and the rule’s name', async () => {
    await using gate = await edge({ pack: { residency_policy: residency } });
    const response = await gate.turn(QUESTION, { headers: { 'x-smartlite-region': 'us' } });
    expect([response.status, await response.json()]).toMatchObject([
      451,
      { error: { code: 'no-compliant-region', rule: 'x-smartlite-region' } },
    ]);
    expect(gate.stages.heardBytes).toBe(0);
  });

  it('is where the key is bound to', async () => {
    await using gate = await edge({ pack: { residency_policy: { regions: ['eu', 'us'], rules: [] } } });
    await (await gate.turn(QUESTION, { key: gate.keys.eu })).text();
    expect(gate.stages.callers[0]?.caller.regions).toEqual(['eu']);
  });

  it('is the regions of the policy, when nobody limits it further: an instance elsewhere is none of the mesh', async () => {
    await using gate = await edge({ pack: { residency_policy: { regions: ['eu', 'us'], rules: [] } } });
    await (await gate.turn(QUESTION)).text();
    expect(gate.stages.callers[0]?.caller.regions).toEqual(['eu', 'us']);
    expect(gate.mesh.trail.entries.at(-1)?.facts).toMatchObject({ allowed_regions: ['eu', 'us'], llm_region: 'local' });
  });

  it('is where nobody serves: 451, and the rule that keeps it there', async () => {
    await using gate = await edge({ pack: { residency_policy: residency } });
    gate.stages.mindBreaks = 'no-compliant-region';
    const response = await gate.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'standard', messages: [{ role: 'user', content: 'hi' }] }),
    });
    expect([response.status, await response.json()]).toMatchObject([
      451,
      { error: { rule: 'rule acme-stays', message: expect.stringContaining('eu only, and nobody there can serve it') } },
    ]);
  });
});

describe.each([
  ['safe', 'SAFE_MODE', '2'],
  ['halted', 'HALTED', '10'],
  ['starting', 'STARTING', '1'],
] as const)('in mode %s', (mode, reason, retryAfter) => {
  it('every piece of work is refused at once, with the reason and when to come again', async () => {
    await using gate = await edge({ state: { mode } });
    const never = ReadableStream.from(
      (async function* () {
        yield QUESTION.subarray(0, 100);
        await new Promise(() => undefined);
      })(),
    );
    const asked = [
      gate.turn(never, { duplex: 'half' }),
      gate.fetch('/v1/chat/completions', chat),
      gate.fetch('/v1/audio/speech', { method: 'POST', body: '{"input":"hello"}', headers: json }),
      gate.fetch('/v1/audio/transcriptions', { method: 'POST', body: form() }),
    ];
    for (const response of await Promise.all(asked)) {
      expect([response.status, await response.json()]).toMatchObject([503, { error: { reason } }]);
      expect(response.headers.get('retry-after')).toBe(retryAfter);
    }
    expect([gate.stages.heardBytes, gate.ledger.open.size, gate.ledger.settled]).toEqual([0, 0, []]);
  });

  it('health, metrics, models and the console answer', async () => {
    await using gate = await edge({ state: { mode } });
    for (const path of ['/healthz', '/metrics', '/metrics/targets', '/status', '/', '/v1/models'])
      expect([path, (await gate.fetch(path)).status]).toEqual([path, 200]);
    expect((await gate.fetch('/readyz')).status).toBe(mode === 'starting' ? 503 : 200);
  });
});

describe('safe mode', () => {
  it('leaves operators their diagnostic calls, but no turn', async () => {
    await using gate = await edge({ state: { mode: 'safe' } });
    const key = gate.keys.ops;
    expect((await gate.fetch('/v1/chat/completions', { ...chat, key })).status).toBe(200);
    expect((await gate.turn(QUESTION, { key })).status).toBe(503);
  });

  it('cuts a turn that is under way, and its books are closed', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    const response = await gate.turn(QUESTION);
    const events = allEvents(response);
    await eventually(() => gate.stages.frames).toBe(3);
    gate.mesh.guard.become({ mode: 'safe', reasons: ['DIGEST_MISMATCH: mind'] });
    expect((await events).at(-1)).toMatchObject({
      event: 'error',
      data: { error: { reason: 'SAFE_MODE', retry_after: expect.any(Number), because: 'DIGEST_MISMATCH: mind' } },
    });
    await eventually(() => [gate.ledger.open.size, gate.ledger.settled.length]).toEqual([0, 1]);
    expect(gate.mesh.trail.entries.find(({ kind }) => kind === 'turn.failed')).toMatchObject({ facts: { code: 'safe-mode' } });
  });
});

describe('every response', () => {
  it('is named by request and trace, also the refusals', async () => {
    await using gate = await edge();
    const responses = await Promise.all([
      gate.fetch('/healthz'),
      gate.fetch('/'),
      gate.fetch('/v1/models'),
      gate.fetch('/v1/nothing'),
      gate.fetch('/v1/%zz'),
      gate.fetch('/v1/realtime'),
      gate.fetch('/v1/models', { key: null }),
      gate.turn(''),
      gate.turn(QUESTION),
      gate.fetch('/v1/chat/completions', chat),
      gate.fetch('/v1/chat/completions', { ...chat, body: '{' }),
    ]);
    for (const { headers, url } of responses) {
      expect([url, headers.get('x-request-id')]).toEqual([url, expect.stringMatching(/^[\w.-]+$/)]);
      expect([url, headers.get('traceparent')]).toEqual([url, expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)]);
    }
    await Promise.all(responses.map((response) => response.text()));
  });

  it('keeps the caller’s request id and trace, and names the span that served it', async () => {
    await using gate = await edge();
    const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
    const response = await gate.turn(QUESTION, { headers: { 'x-request-id': 'mine-1', traceparent } });
    expect((await allEvents(response)).at(-1)?.data).toMatchObject({ traceId: 'a1'.repeat(16) });
    expect(response.headers.get('x-request-id')).toBe('mine-1');
    const [, traceId, spanId] = response.headers.get('traceparent')?.split('-') ?? [];
    expect(traceId).toBe('a1'.repeat(16));
    const span = exporter.getFinishedSpans().find((each) => each.spanContext().spanId === spanId);
    expect([span?.name, span?.parentSpanContext?.spanId]).toEqual(['POST /v1/voice/turns', 'b2'.repeat(8)]);
  });

  it('has a name of ours where the caller’s is none', async () => {
    await using gate = await edge();
    const response = await gate.fetch('/healthz', { headers: { 'x-request-id': 'two words', traceparent: 'nonsense' } });
    expect(response.headers.get('x-request-id')).not.toBe('two words');
    expect(response.headers.get('traceparent')).toMatch(/^00-/);
  });
});

describe('a request that is none', () => {
  it.each([
    ['JSON that does not end', '/v1/chat/completions', '{"messages":', json, 400],
    ['another content type', '/v1/chat/completions', CHAT, { 'content-type': 'text/plain' }, 415],
    ['a body that is too large', '/v1/chat/completions', `"${'x'.repeat(2 << 20)}"`, json, 413],
    ['a message without a role', '/v1/chat/completions', '{"messages":[{"content":"x"}]}', json, 400],
    ['no form', '/v1/audio/transcriptions', 'RIFF', { 'content-type': 'audio/wav' }, 415],
    ['a form without its boundary', '/v1/audio/transcriptions', 'xx', { 'content-type': 'multipart/form-data' }, 400],
    [
      'a form that breaks off',
      '/v1/audio/transcriptions',
      '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF',
      { 'content-type': 'multipart/form-data; boundary=b' },
      400,
    ],
    ['a path that is not there', '/v1/embeddings', '{}', json, 404],
    ['a path that is no URL', '/v1/%zz', '{}', json, 400],
  ])('is refused with its status, in OpenAI’s shape: %s', async (_what, path, body, headers, status) => {
    await using gate = await edge();
    const response = await gate.fetch(path, { method: 'POST', body, headers });
    expect([response.status, await response.json()]).toMatchObject([
      status,
      { error: { message: expect.stringMatching(/\w/), type: 'invalid_request_error', code: expect.stringMatching(/\w/) } },
    ]);
    expect((await gate.fetch('/v1/chat/completions', chat)).status).toBe(200);
  });

  it('and no HTTP either, is answered and closed', async () => {
    await using gate = await edge();
    const { hostname, port } = new URL(gate.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString())).write('\x16\x03\x01 hello\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*no HTTP\/1.1 request/);
  });

  it('or comes so slowly that nobody waits: 408', async () => {
    await using gate = await edge({ environment: { SMARTLITE_IDLE_MS_MAX: '150' } });
    for (const [path, headers] of [
      ['/v1/chat/completions', json],
      ['/v1/audio/transcriptions', { 'content-type': 'multipart/form-data; boundary=b' }],
    ] as const) {
      const body = ReadableStream.from(
        (async function* () {
          yield Buffer.from('{');
          await new Promise(() => undefined);
        })(),
      );
      const response = await gate.fetch(path, { method: 'POST', body, duplex: 'half', headers });
      expect([path, response.status]).toEqual([path, 408]);
      await response.text();
    }
  });
});

describe('a client, or a proxy, of HTTP/1.0', () => {
  it.each([
    ['/v1/chat/completions', CHAT.replace('{', '{"stream":true,'), /data: \[DONE\]\n\n$/],
    ['/v1/audio/speech', JSON.stringify({ input: 'Hello.', response_format: 'pcm' }), /audio\/pcm[\s\S]+\r\n\r\n[\s\S]{1000}/],
  ])('gets its stream to the end, without trailers: %s', async (path, body, whole) => {
    await using gate = await edge();
    const { hostname, port } = new URL(gate.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    const head = [`authorization: Bearer ${gate.keys.ann}`, 'content-type: application/json', `content-length: ${body.length}`];
    socket.write(`POST ${path} HTTP/1.0\r\n${head.join('\r\n')}\r\n\r\n${body}`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(answer).not.toMatch(/^trailer:/im);
    expect(answer).toMatch(whole);
  });
});

describe('a recording in a form', () => {
  it.each([
    ['two files', (body: FormData) => body.append('file', new File(['RIFF'], 'b.wav')), /one file is due/],
    ['a name that is none', (body: FormData) => body.append('__proto__', 'x'), /a field has a name/],
    ['fields without end', (body: FormData) => Array.from({ length: 30 }, (_, at) => body.append(`a${at}`, 'x')), /20 fields/],
    ['times of words', (body: FormData) => body.append('timestamp_granularities[]', 'word'), /only segments/],
  ])('is refused in words where the form has %s', async (_what, spoil, message) => {
    await using gate = await edge();
    const body = form();
    spoil(body);
    const response = await gate.fetch('/v1/audio/transcriptions', { method: 'POST', body });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { message: expect.stringMatching(message) } }]);
  });

  it('may stand before the fields that say what to do with it', async () => {
    await using gate = await edge();
    const body = form();
    body.set('response_format', 'text');
    const response = await gate.fetch('/v1/audio/transcriptions', { method: 'POST', body });
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['text/plain; charset=utf-8', `${HEARD}\n`]);
  });

  it('that is larger than an upload may be is refused', async () => {
    await using gate = await edge({ environment: { SMARTLITE_UPLOAD_BYTES_MAX: '10000' } });
    const response = await gate.fetch('/v1/audio/transcriptions', { method: 'POST', body: form() });
    expect([response.status, await response.text()]).toMatchObject([413, expect.stringContaining('10000 bytes')]);
  });

  it('is refused by its content, whatever its name says', async () => {
    await using gate = await edge();
    const body = new FormData();
    body.set('file', new File(['these are words'], 'speech.wav'));
    expect((await gate.fetch('/v1/audio/transcriptions', { method: 'POST', body })).status).toBe(415);
  });
});

describe('an upload that is refused while it is still being sent', () => {
  it('gets its answer each time, and is not cut off before', async () => {
    await using gate = await edge();
    // More than the sockets between the two hold.
    const long = wavFile(new Uint8Array(61 * 32_000), 16_000);
    const body = new FormData();
    body.set('file', new File([new Uint8Array(long)], 'long.wav'));
    for (let time = 0; time < 8; time += 1) {
      expect((await gate.turn(new Uint8Array(long))).status).toBe(413);
      expect((await gate.fetch('/v1/audio/transcriptions', { method: 'POST', body })).status).toBe(413);
    }
  });
});

describe('the list of targets', () => {
  it('is what Prometheus’ http_sd takes', async () => {
    const instance = {
      service: 'asr',
      instance: 'asr-1',
      region: 'eu',
      metrics: '127.0.0.1:9001',
      models: [],
    } as unknown as PeerInstance;
    await using gate = await edge({ instances: () => [instance] });
    const response = await gate.fetch('/metrics/targets', { key: null });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual([
      { targets: ['127.0.0.1:9001'], labels: { service: 'asr', instance: 'asr-1', region: 'eu' } },
    ]);
  });
});

describe('what was said (quiet-logs)', () => {
  it('reaches neither logs, spans, metrics nor the trail, and no key does, in good turns and in failed ones', async () => {
    await using gate = await edge();
    exporter.reset();
    const canary = 'xylophone marmalade';
    gate.stages.transcript = canary;
    await (await gate.turn(QUESTION)).text();
    await (await gate.turn(`${canary} in a file`)).text();
    const body = JSON.stringify({ messages: [{ role: 'user', content: canary }] });
    await (await gate.fetch('/v1/chat/completions', { ...chat, body })).text();
    await (await gate.fetch('/v1/chat/completions', { ...chat, body: `{"${canary}` })).text();
    await (
      await gate.fetch('/v1/audio/speech', { method: 'POST', headers: json, body: JSON.stringify({ input: canary }) })
    ).text();
    gate.stages.voiceBreaks = { afterFrames: 0, error: new MeshError('internal', 'unexpected failure') };
    await (await gate.turn(QUESTION)).text();
    const spans = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
    expect(spans.length).toBeGreaterThan(4);
    expect(gate.mesh.trail.entries.length).toBeGreaterThan(4);
    const told = JSON.stringify(
      [gate.logs, spans, gate.mesh.trail.entries, await gate.mesh.platform.metrics.text()],
      (_key, value: unknown) =>
        value instanceof Error ? { name: value.name, message: value.message, cause: value.cause } : value,
    );
    for (const secret of [...canary.split(' '), ...Object.values(gate.keys), "o'clock"]) expect(told).not.toContain(secret);
  });
});

describe('how long a caller waits', () => {
  it('ends its answer as 504, and everything behind it, when it is over', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    const headers = { 'x-smartlite-timeout-ms': '300', accept: 'audio/wav' };
    const response = await gate.turn(QUESTION, { headers });
    expect([response.status, await response.json()]).toMatchObject([504, { error: { code: 'deadline-exceeded' } }]);
    await eventually(() => gate.stages.left).toContain('llm');
    await eventually(() => gate.ledger.open.size).toBe(0);
  });

  it('is refused where it is no number of milliseconds', async () => {
    await using gate = await edge();
    for (const given of ['0', '-1', '1.5', 'soon', ''])
      expect((await gate.turn(QUESTION, { headers: { 'x-smartlite-timeout-ms': given } })).status).toBe(400);
  });
});
