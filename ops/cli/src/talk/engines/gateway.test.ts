import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerEvent } from '../sse.ts';
import { wavOf } from '../wav.ts';
import { askTurn } from './gateway.ts';

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.closeAllConnections());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

/** Three tenths of a second. */
const audio = wavOf(new Uint8Array(9600), 16_000);
async function ask(gateway: string, more = {}): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of askTurn({ gateway, apiKey: 'k', audio, ...more })) events.push(event);
  return events;
}

describe('a gateway that answers', () => {
  it('is asked with the key, the tier and on whose behalf', async () => {
    const asked: unknown[] = [];
    const gateway = await serve((request, response) => {
      asked.push(request.url, request.headers.authorization, request.headers['x-smartlite-user']);
      request.resume().on('end', () => response.end('event: done\ndata: {}\n\n'));
    });
    expect(await ask(gateway, { tier: 'lite', user: 'ann' })).toEqual([{ event: 'done', data: '{}' }]);
    expect(asked).toEqual(['/v1/voice/turns?tier=lite', 'Bearer k', 'ann']);
  });

  it('is heard while the audio is still being spoken', async () => {
    const heardAtByte: number[] = [];
    let sent = 0;
    const gateway = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => {
        if (sent === 0) response.write('event: transcript.partial\ndata: {}\n\n');
        sent += chunk.length;
      });
      request.on('end', () => response.end('event: done\ndata: {}\n\n'));
    });
    for await (const { event } of askTurn({ gateway, apiKey: 'k', audio, realTime: true }))
      if (event === 'transcript.partial') heardAtByte.push(sent);
    expect(heardAtByte).toHaveLength(1);
    expect(heardAtByte[0]).toBeLessThan(audio.byteLength);
    expect(sent).toBe(audio.byteLength);
  });
});

describe('a gateway that refuses', () => {
  it('is quoted with its reason', async () => {
    const gateway = await serve((_request, response) =>
      response.writeHead(503).end('{"error":{"code":"SAFE_MODE","message":"the fleet is in safe mode"}}'),
    );
    await expect(ask(gateway)).rejects.toThrow('SAFE_MODE: the fleet is in safe mode');
  });
});

describe('a gateway that is not there', () => {
  it('is named, with how to start it', async () => {
    await expect(ask('http://127.0.0.1:1')).rejects.toMatchObject({
      message: expect.stringContaining('http://127.0.0.1:1'),
      remedy: expect.stringContaining('npm start'),
    });
  });
});
