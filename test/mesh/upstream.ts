import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the upstream got it. */
export interface Asked {
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly stream: boolean;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
}

/** A service on a real socket that speaks OpenAI's chat completions as their reference has them, and does what a question says. */
export interface UpstreamService extends AsyncDisposable {
  readonly baseUrl: string;
  readonly asked: readonly Asked[];
}

/** What the upstream says its tokenizer counted. */
export const BILL = { prompt_tokens: 41, completion_tokens: 9, total_tokens: 50 };

export async function upstreamService(key: string): Promise<UpstreamService> {
  const asked: Asked[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse((await request.toArray()).join('')) as Asked['body'];
    asked.push({ authorization: request.headers.authorization, body });
    if (request.headers.authorization !== `Bearer ${key}`)
      return refuse(response, 401, `Incorrect API key: ${request.headers.authorization}`);
    answer(response, body.messages.at(-1)?.content ?? '');
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function answer(response: ServerResponse, question: string): void {
  if (question.includes('busy')) return refuse(response, 429, 'Rate limit reached');
  if (question.includes('fault')) return refuse(response, 500, `Could not answer: ${question}`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (question.includes('silent')) return response.flushHeaders();
  if (question.includes('cut')) return void response.write(event({ delta: { content: 'Once upon' } }), () => response.destroy());
  const events = question.includes('sum')
    ? [calling('{"call":"calc '), calling('12 + '), calling('30"}'), event({ delta: {}, finish_reason: 'tool_calls' })]
    : [
        event({ delta: { role: 'assistant', content: '' } }),
        ...'Far away it is sunny.'.split(/(?= )/).map((content) => event({ delta: { content } })),
        event({ delta: {}, finish_reason: 'stop' }),
      ];
  const stream = Buffer.from(`${events.join('')}data: ${JSON.stringify({ choices: [], usage: BILL })}\n\ndata: [DONE]\n\n`);
  // Cut where nobody would: the reader must not care.
  for (let at = 0; at < stream.length; at += 7) response.write(stream.subarray(at, at + 7));
  response.end();
}

const event = (choice: object): string =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] })}\n\n`;
const calling = (part: string): string =>
  event({ delta: { tool_calls: [{ index: 0, type: 'function', function: { name: 'assistant_tool', arguments: part } }] } });

function refuse(response: ServerResponse, status: number, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ error: { message, type: 'error', code: null } }));
}
