import type { Platform } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import type { IntakeLimits } from '../audio/intake.ts';
import type { Ports } from '../engine.ts';
import type { PackInForce } from '../packinforce.ts';
import type { LatestTurns } from '../latest.ts';
import { Clients } from './clients.ts';
import { Desk } from './desk.ts';
import { facts } from './facts.ts';
import { failureOf, refusalOf } from './failure.ts';
import { openAi } from './openai.ts';
import { realtime } from './realtime.ts';
import { pathRefusal, rawRefusal } from './rawrefusal.ts';
import { traceparentOf } from './traceparent.ts';
import { voiceTurns } from './turns.ts';

/** JSON bodies: conversations, not files. */
const JSON_BYTES_MAX = 1024 * 1024;
/** Statuses from here on are refusals. */
const REFUSED = 400;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;
/** After a refusal the rest of an upload is read and thrown away for so long: a connection closed on unread bytes loses the answer. */
const LINGER_MS = 2_000;
/** A stop has three seconds in all: most of it for turns to end, the rest for the books of those that are cut. */
const DRAIN_MS = 2_000;
const SETTLE_MS = 500;
const LOOK_MS = 20;
/** Node looks for heads that do not come this many times within the time that they have. */
const LOOKS_PER_IDLE = 4;

export interface HttpOptions {
  readonly address: string;
  readonly clients: string;
  readonly idleMsMax: number;
  readonly limits: IntakeLimits;
  readonly latest: LatestTurns;
  readonly packs: PackInForce;
}

export interface HttpDoor {
  readonly url: string;
  /** Pieces of work under way. */
  readonly inflight: () => number;
  /** Takes no new connection, lets what is under way end for a moment, and cuts the rest; resolves when all of it has ended. */
  close(): Promise<void>;
}

/** The gateway's HTTP side. Resolves when it listens; throws a sentence when the port is taken. */
export async function listenHttp(platform: Platform, ports: Ports, options: HttpOptions): Promise<HttpDoor> {
  const { idleMsMax } = options;
  const app = fastify({
    bodyLimit: JSON_BYTES_MAX,
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id'], platform),
    http: { headersTimeout: idleMsMax, connectionsCheckingInterval: Math.ceil(idleMsMax / LOOKS_PER_IDLE) },
    frameworkErrors: (_error, { id, raw }, reply) => pathRefusal(id, raw, reply.raw, platform),
    clientErrorHandler: (error, socket) => rawRefusal(error, socket, platform),
    forceCloseConnections: true,
    return503OnClosing: false,
  });
  everyResponse(app, platform);
  let closing = false;
  app.addHook('onRequest', async (_request, reply) => {
    if (!closing) return;
    void reply.header('connection', 'close');
    throw new MeshError('unavailable', 'this gateway stops; ask another', { retryAfterMs: 1_000 });
  });
  const clients = new Clients(options.clients, () => platform.clock.monotonicMs());
  const desk = new Desk(platform, clients, options.packs, idleMsMax);
  facts(app, platform, options.latest);
  await app.register(async (keyed) => {
    keyed.addHook('onRequest', (request) => desk.admit(request));
    await keyed.register(async (scope) => voiceTurns(scope, desk, ports, options.limits));
    await keyed.register(async (scope) => realtime(scope, desk, ports, options.limits));
    await keyed.register(async (scope) => openAi(scope, desk, ports, options.limits));
  });
  return {
    url: await listen(app, options.address),
    inflight: () => desk.inflight,
    async close() {
      closing = true;
      app.server.close();
      await ended(desk, DRAIN_MS);
      await app.close();
      await ended(desk, SETTLE_MS);
    },
  };
}

/** Resolves when nothing is under way, or when nobody waits any longer. */
async function ended(desk: Desk, waitMs: number): Promise<void> {
  for (let leftMs = waitMs; desk.inflight > 0 && leftMs > 0; leftMs -= LOOK_MS) await pause(LOOK_MS);
}

/** What holds for every answer, refusals included: named by request and trace, in one shape, and read to the end. */
function everyResponse(app: FastifyInstance, platform: Platform): void {
  app.decorateRequest('traceparent', '');
  app.decorateRequest('caller', null);
  app.decorateReply('trailers', null as unknown as Map<string, string>);
  app.addHook('onRequest', async (request, reply) => {
    reply.trailers = new Map();
    request.traceparent = traceparentOf(request.headers['traceparent'], platform);
    reply.headers({ 'x-request-id': request.id, traceparent: request.traceparent });
  });
  app.addHook('onResponse', async ({ raw, headers }, { statusCode }) => {
    // A connection that asked for a WebSocket and got none is nobody's any more: the HTTP server does not close it.
    if (headers.upgrade !== undefined && statusCode >= REFUSED) return void raw.socket.end();
    if (raw.complete || raw.destroyed) return;
    throwAway(raw);
    const timer = setTimeout(() => raw.destroy(), LINGER_MS);
    raw.once('close', () => clearTimeout(timer));
  });
  app.setErrorHandler((caught, _request, reply) => {
    const error = failureOf(caught);
    if (error.code === 'internal') platform.log.error('a request failed unexpectedly', { cause: causeOf(error) });
    const { status, headers, body } = refusalOf(error);
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler((request) => {
    throw new MeshError('not-found', `there is no ${request.method} ${request.url.split('?')[0]?.slice(0, 100)}`);
  });
}

/** Reads an upload on. Whoever has read it so far reads no more, and while he is attached the stream would wait for him. */
function throwAway(upload: IncomingMessage): void {
  upload.unpipe();
  upload.removeAllListeners('readable');
  upload.on('data', () => undefined);
  upload.resume();
}

async function listen(app: FastifyInstance, address: string): Promise<string> {
  const at = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), Number(address.slice(at + 1))];
  return app.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'EADDRINUSE'
        ? 'is taken by another program: stop it, or set SMARTLITE_HTTP_ADDRESS'
        : `cannot be used (${cause.code ?? 'unknown'})`;
    throw new MeshError('unavailable', `${address} ${why}`, { cause });
  });
}

function requestIdOf(given: string | string[] | undefined, { ids }: Platform): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.uuid();
}

/** Where it broke, without what was sent. */
function causeOf({ cause }: MeshError): string {
  return cause instanceof Error ? `${cause.name} ${cause.stack?.split('\n')[1]?.trim() ?? ''}` : typeof cause;
}
