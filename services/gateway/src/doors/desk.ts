import type { Call, Platform, SafeModeRule } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clients } from './clients.ts';
import { failureOf, refusalOf } from './failure.ts';

/** One piece of work behind a door may last as long as the longest turn, spoken and answered. */
const WORK_MS_MAX = 180_000;
const TRACE_HEADERS = ['traceparent', 'tracestate'] as const;

/** What every handler of ours begins with: who calls, for how long, and when they leave. */
export class Desk {
  readonly #platform: Platform;
  readonly #clients: Clients;
  readonly #idleMsMax: number;

  constructor(platform: Platform, clients: Clients, idleMsMax: number) {
    this.#platform = platform;
    this.#clients = clients;
    this.#idleMsMax = idleMsMax;
  }

  /** Runs work for the key's owner behind the layers of every call. The first step of the iteration may already refuse. */
  async serve<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    inSafeMode: SafeModeRule,
    work: (call: Call) => AsyncIterable<T>,
  ): Promise<AsyncIterable<T>> {
    const caller = await this.#clients.callerOf(request.headers.authorization, header(request, 'x-smartlite-user'));
    const leaving = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) leaving.abort();
    });
    const headers = Object.fromEntries(
      TRACE_HEADERS.flatMap((key) => (typeof request.headers[key] === 'string' ? [[key, request.headers[key]]] : [])),
    );
    const entry = { name, inSafeMode, caller, requestId: request.id, headers, timeoutMs: WORK_MS_MAX, signal: leaving.signal };
    return this.#platform.door(entry, (call) => {
      reply.header('traceparent', `00-${call.traceId}-${call.traceId.slice(0, 16)}-01`);
      return work(call);
    });
  }

  /** The request's body as it arrives. Ends with `request-timeout` for a client that falls silent, `cancelled` for one that has left. */
  async *body(request: FastifyRequest): AsyncIterable<Uint8Array> {
    const source = (request.body ?? request.raw) as AsyncIterable<Uint8Array>;
    const parts = source[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#patiently(parts.next());
      if (next.done) return;
      yield next.value;
    }
  }

  #patiently<T>(step: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new MeshError('request-timeout', `nothing was received for ${this.#idleMsMax} ms`)),
      this.#idleMsMax,
    );
    const whole = step.catch((cause: unknown) => {
      throw new MeshError('cancelled', 'the upload was broken off', { cause });
    });
    return Promise.race([whole, promise]).finally(() => clearTimeout(timer));
  }

  get platform(): Platform {
    return this.#platform;
  }
}

export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Events of a stream to a client that may be slow; the first one decides whether the answer is a stream or a refusal. */
export async function sendEvents<T>(
  reply: FastifyReply,
  events: AsyncIterable<T>,
  write: (event: T) => string,
  end = '',
): Promise<FastifyReply> {
  const source = events[Symbol.asyncIterator]();
  let next = await source.next();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  try {
    for (; !next.done; next = await source.next()) await send(raw, write(next.value));
    raw.end(end);
  } catch (caught) {
    raw.end(`event: error\ndata: ${JSON.stringify(refusalOf(failureOf(caught)).body)}\n\n`);
  } finally {
    await source.return?.();
  }
  return reply;
}

function send(raw: FastifyReply['raw'], text: string): Promise<void> {
  if (text === '' || raw.destroyed || raw.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    raw.once('drain', resolve);
    raw.once('close', resolve);
  });
}
