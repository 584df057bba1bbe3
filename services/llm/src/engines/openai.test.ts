import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LlmPiece, LlmWork } from '../engine.ts';
import { engine } from './openai.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** An upstream on a real socket that answers as told. */
async function upstream(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close().closeAllConnections());
  return engine.load([], {
    base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    model: 'm',
    api_key_env: 'SMARTLITE_UPSTREAM_TEST_KEY',
  });
}
const say = (response: ServerResponse, ...lines: string[]) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(lines.map((line) => `data: ${line}\n\n`).join(''));
const delta = (content: string) => JSON.stringify({ choices: [{ delta: { content } }] });
const stop = JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] });
const bill = (prompt_tokens: number, completion_tokens: number) =>
  JSON.stringify({ choices: [], usage: { prompt_tokens, completion_tokens } });
const calling = (index: number, args: string) =>
  JSON.stringify({ choices: [{ delta: { tool_calls: [{ index, function: { arguments: args } }] } }] });
const called = JSON.stringify({ choices: [{ delta: {}, finish_reason: 'tool_calls' }] });
const textOf = (pieces: readonly LlmPiece[]) => pieces.map((piece) => (piece.kind === 'token' ? piece.text : '')).join('');
const work: LlmWork = { kind: 'generate', messages: [{ role: 'user', content: 'hi' }], maxTokens: 20, temperature: 0, seed: 1 };

async function hear(loaded: Awaited<ReturnType<typeof upstream>>, signal = new AbortController().signal, given: LlmWork = work) {
  const pieces: LlmPiece[] = [];
  for await (const piece of loaded.run(given, signal)) pieces.push(piece);
  return pieces;
}

describe('an OpenAI-compatible upstream', () => {
  it('is streamed, piece by piece, with the bounds and the key it was given', async () => {
    process.env['SMARTLITE_UPSTREAM_TEST_KEY'] = 'k1';
    let seen: unknown;
    const loaded = await upstream(async (request, response) => {
      const body = (await request.toArray()).join('');
      seen = { path: request.url, key: request.headers.authorization, ...JSON.parse(body) };
      say(response, delta('Hel'), delta('lo.'), stop, '[DONE]');
      response.end();
    });
    expect(await hear(loaded)).toEqual([
      { kind: 'prompt', tokens: 5 },
      { kind: 'token', text: 'Hel', tokens: 1, logProb: null },
      { kind: 'token', text: 'lo.', tokens: 1, logProb: null },
      { kind: 'end', reason: 'stop' },
    ]);
    expect(seen).toMatchObject({ path: '/v1/chat/completions', key: 'Bearer k1', model: 'm', max_tokens: 20, stream: true });
  });

  it('never gets more through than the budget, whatever it sends', async () => {
    const loaded = await upstream((_request, response) => say(response, ...Array.from({ length: 50 }, () => delta('abc'))));
    const pieces = await hear(loaded);
    expect(pieces.filter((piece) => piece.kind === 'token')).toHaveLength(20);
    expect(pieces.at(-1)).toEqual({ kind: 'end', reason: 'length' });
  });

  it.each([
    ['refuses', (_: IncomingMessage, response: ServerResponse) => response.writeHead(500).end('secret detail')],
    ['breaks off', (_: IncomingMessage, response: ServerResponse) => (say(response, delta('Hel')), response.end())],
    ['hangs up', (_: IncomingMessage, response: ServerResponse) => response.destroy()],
  ] as const)('that %s is unavailable', async (_how, answer) => {
    await expect(hear(await upstream(answer))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.not.stringContaining('secret'),
    });
  });

  it.each([
    ['in one piece', ['{"call":"calc 12 + 30"}'], '<calc 12 + 30>'],
    ['in parts', ['{"call":', '"time', '"}'], '<time>'],
    ['that is no call', ['{"call":7}'], '<>'],
    ['that is no JSON', ['rm -rf'], '<>'],
  ])('may call a tool, %s', async (_how, parts, call) => {
    let offered: unknown;
    const loaded = await upstream(async (request, response) => {
      offered = (JSON.parse((await request.toArray()).join('')) as { tools?: unknown }).tools;
      const calling = parts.map((part) =>
        JSON.stringify({ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: part } }] } }] }),
      );
      say(response, ...calling, JSON.stringify({ choices: [{ delta: {}, finish_reason: 'tool_calls' }] }), '[DONE]');
    });
    const pieces = await hear(loaded, undefined, { ...work, calls: true });
    expect(pieces.map((piece) => (piece.kind === 'token' ? piece.text : '')).join('')).toBe(call);
    expect(pieces.at(-1)).toEqual({ kind: 'end', reason: 'stop' });
    expect(offered).toMatchObject([{ type: 'function' }]);
  });

  it.each(['not json', '{"choices":7}', '[]', '{"choices":[{"delta":{"content":{}}}]}'])(
    'that sends what is no completion is unavailable: %s',
    async (line) => {
      await expect(hear(await upstream((_request, response) => say(response, line)))).rejects.toMatchObject({
        code: 'unavailable',
      });
    },
  );

  it('that calls a tool without end is unavailable', async () => {
    const part = JSON.stringify({ choices: [{ delta: { tool_calls: [{ function: { arguments: 'x'.repeat(2_000) } }] } }] });
    await expect(hear(await upstream((_request, response) => say(response, part)))).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('is left at once when the caller leaves', async () => {
    const leaving = new AbortController();
    const left = Promise.withResolvers<void>();
    const loaded = await upstream((request, response) => {
      request.on('close', () => undefined);
      response.on('close', () => left.resolve());
      say(response, delta('Hel'));
    });
    const pieces = loaded.run(work, leaving.signal)[Symbol.asyncIterator]();
    await pieces.next();
    await pieces.next();
    const waiting = pieces.next();
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    await left.promise;
  });

  it('is understood wherever the network cuts its stream, in the middle of a letter too', async () => {
    const bytes = Buffer.from(
      [': keep-alive', '', `data: ${delta('Grüße, ')}`, '', `data: ${delta('世界.')}`, '', `data: ${stop}`, '', ''].join('\r\n'),
    );
    const loaded = await upstream(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const byte of bytes) await new Promise<void>((sent) => void response.write(Buffer.of(byte), () => sent()));
      response.end();
    });
    const pieces = await hear(loaded);
    expect(textOf(pieces)).toBe('Grüße, 世界.');
    expect(pieces.at(-1)).toEqual({ kind: 'end', reason: 'stop' });
  });

  it.each([
    ['after the finish', [delta('Hi.'), stop, bill(11, 7), '[DONE]']],
    [
      'with every piece',
      [
        JSON.stringify({ choices: [{ delta: { content: 'Hi.' } }], usage: { prompt_tokens: 11, completion_tokens: 1 } }),
        JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 11, completion_tokens: 7 } }),
      ],
    ],
  ])('is believed in what it says that the answer cost, %s', async (_when, said) => {
    let asked: unknown;
    const loaded = await upstream(async (request, response) => {
      asked = JSON.parse((await request.toArray()).join(''));
      say(response, ...said);
    });
    expect((await hear(loaded)).at(-1)).toEqual({ kind: 'end', reason: 'stop', usage: { promptTokens: 11, answerTokens: 7 } });
    expect(asked).toMatchObject({ stream_options: { include_usage: true } });
  });

  it('has answered once it has finished, even if it never says what that cost nor ends its stream', async () => {
    const loaded = await upstream((_request, response) => say(response, delta('Hi.'), stop));
    expect(await hear(loaded)).toMatchObject([{}, { text: 'Hi.' }, { kind: 'end', reason: 'stop' }]);
  });

  it('has a token for each word, and several for a longer piece', async () => {
    const loaded = await upstream((_request, response) => {
      say(response, delta(' understand'), delta(' that'), delta('x'.repeat(30)), stop, '[DONE]');
      response.end();
    });
    expect((await hear(loaded)).flatMap((piece) => (piece.kind === 'token' ? [piece.tokens] : []))).toEqual([1, 1, 10]);
  });

  it('that calls several tools at once is heard with its first call', async () => {
    const loaded = await upstream((_request, response) => {
      say(response, calling(0, '{"call":'), calling(1, '{"call":"coin"}'), calling(0, '"time"}'), called, '[DONE]');
      response.end();
    });
    expect(textOf(await hear(loaded, undefined, { ...work, calls: true }))).toBe('<time>');
  });

  it.each([
    [401, {}, /HTTP 401: it does not accept the key/],
    [429, {}, /HTTP 429: it is asked too often/],
    [500, {}, /HTTP 500/],
    [302, { location: 'http://127.0.0.1:1/elsewhere' }, /cannot be reached/],
  ])('that refuses with HTTP %i is unavailable, and what it wrote is not repeated', async (status, headers, why) => {
    const loaded = await upstream((_request, response) =>
      response.writeHead(status, headers).end(JSON.stringify({ error: { message: 'the key sk-secret is wrong', code: 'x' } })),
    );
    const refused = await hear(loaded).catch((caught: unknown) => caught);
    expect(refused).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(why),
    });
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('sk-secret');
  });

  it.each(['context_length_exceeded', 'exceed_context_size_error'])(
    'that names a conversation too long is not taken for broken: %s',
    async (code) => {
      const loaded = await upstream((_request, response) =>
        response.writeHead(400).end(JSON.stringify({ error: { message: 'm', code } })),
      );
      expect(await hear(loaded)).toEqual([{ kind: 'end', reason: 'too-long' }]);
    },
  );

  it('that fails in mid-answer is unavailable', async () => {
    const loaded = await upstream((_request, response) =>
      say(response, delta('Hel'), JSON.stringify({ error: { message: 'secret', code: 500 } })),
    );
    await expect(hear(loaded)).rejects.toMatchObject({ code: 'unavailable', message: 'the upstream failed in mid-answer' });
  });

  it.each([{ base_url: 'file:///etc/passwd' }, { api_key_env: 'SMARTLITE_NATS_CREDENTIALS' }, { model: '' }])(
    'with settings that are none is refused at load: %o',
    async (wrong) => {
      const right = { base_url: 'http://127.0.0.1:1/v1', model: 'm' };
      await expect(engine.load([], right)).resolves.toBeDefined();
      await expect(engine.load([], { ...right, ...wrong })).rejects.toThrow(Object.keys(wrong)[0]);
    },
  );
});
