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
    api_key_env: 'UPSTREAM_TEST_KEY',
  });
}
const say = (response: ServerResponse, ...lines: string[]) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(lines.map((line) => `data: ${line}\n\n`).join(''));
const delta = (content: string) => JSON.stringify({ choices: [{ delta: { content } }] });
const stop = JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] });
const work: LlmWork = { kind: 'generate', messages: [{ role: 'user', content: 'hi' }], maxTokens: 20, temperature: 0, seed: 1 };

async function hear(loaded: Awaited<ReturnType<typeof upstream>>, signal = new AbortController().signal, given: LlmWork = work) {
  const pieces: LlmPiece[] = [];
  for await (const piece of loaded.run(given, signal)) pieces.push(piece);
  return pieces;
}

describe('an OpenAI-compatible upstream', () => {
  it('is streamed, piece by piece, with the bounds and the key it was given', async () => {
    process.env['UPSTREAM_TEST_KEY'] = 'k1';
    let seen: unknown;
    const loaded = await upstream(async (request, response) => {
      const body = (await request.toArray()).join('');
      seen = { path: request.url, key: request.headers.authorization, ...JSON.parse(body) };
      say(response, delta('Hel'), delta('lo.'), stop, '[DONE]');
      response.end();
    });
    expect(await hear(loaded)).toEqual([
      { kind: 'prompt', tokens: 1 },
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
      say(response, ...calling, JSON.stringify({ choices: [{ delta: {}, finish_reason: 'tool_calls' }] }));
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
});
