import type { FastifyReply } from 'fastify';
import { MeshError } from '@smartlite/contracts';
import { RECEIPT_HEADER, SALT_HEADER } from '../turn/receipt.ts';
import { failureOf, refusalOf } from './failure.ts';

/** Announces what follows a streamed body (RFC 9110, 6.6.2). */
const trailerNames = { trailer: `${RECEIPT_HEADER}, ${SALT_HEADER}` } as const;

/** Begins a streamed body. HTTP/1.0, which some proxies speak, has no chunks and so no trailers: such a body ends with its connection. */
export function beginStream(reply: FastifyReply, headers: Readonly<Record<string, string>>): FastifyReply['raw'] {
  const { raw, request } = reply;
  const chunked = request.raw.httpVersion !== '1.0';
  raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...(chunked && trailerNames), ...headers });
  reply.hijack();
  return raw;
}

/** How events look on the wire. */
export interface EventForm<T> {
  readonly event: (event: T) => string;
  /** After the last event. */
  readonly end?: string;
  readonly failure: (body: object) => string;
  /** A client that has not read for so long holds engines and budget for nothing, and is let go. */
  readonly idleMsMax: number;
}

/** Server-sent events to a client that may be slow; the first one decides whether the answer is a stream or a refusal. */
export async function sendEvents<T>(reply: FastifyReply, events: AsyncIterable<T>, form: EventForm<T>): Promise<FastifyReply> {
  const source = events[Symbol.asyncIterator]();
  let next = await source.next();
  const raw = beginStream(reply, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  try {
    for (; !next.done; next = await source.next()) await write(raw, form.event(next.value), form.idleMsMax);
    raw.addTrailers(Object.fromEntries(reply.trailers));
    raw.end(form.end);
  } catch (caught) {
    raw.end(form.failure(refusalOf(failureOf(caught)).body));
  } finally {
    await source.return?.();
  }
  return reply;
}

/** Resolves when there is room for more. Throws `cancelled` when the reader is gone, or has not read for too long. */
export async function write(raw: FastifyReply['raw'], bytes: string | Uint8Array, idleMsMax: number): Promise<void> {
  if (raw.destroyed) throw new MeshError('cancelled', 'the reader has left');
  if (bytes.length === 0 || raw.write(bytes)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => raw.destroy(), idleMsMax);
  raw.once('drain', resolve);
  raw.once('close', resolve);
  await promise.finally(() => {
    clearTimeout(timer);
    raw.off('drain', resolve);
    raw.off('close', resolve);
  });
  if (raw.destroyed) throw new MeshError('cancelled', `the reader has left, or has not read for ${idleMsMax} ms`);
}
