import type { Platform } from '@smartlite/chassis';
import fastify, { type FastifyInstance } from 'fastify';
import { MeshError } from '@smartlite/contracts';
import type { IntakeLimits } from '../audio/intake.ts';
import type { Ports } from '../engine.ts';
import { Clients } from './clients.ts';
import { Desk } from './desk.ts';
import { facts } from './facts.ts';
import { failureOf, refusalOf } from './failure.ts';
import { openAi } from './openai.ts';
import { voiceTurns } from './turns.ts';

/** JSON bodies: conversations, not files. */
const JSON_BYTES_MAX = 1024 * 1024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;

export interface HttpOptions {
  readonly address: string;
  readonly clients: string;
  readonly idleMsMax: number;
  readonly limits: IntakeLimits;
}

/** The gateway's HTTP side. Resolves when it listens; throws a sentence when the port is taken. */
export async function listenHttp(
  platform: Platform,
  ports: Ports,
  options: HttpOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const app = fastify({
    bodyLimit: JSON_BYTES_MAX,
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id'], platform),
    // Node's own limits on headers stay; a request whose head does not come is dropped.
    http: { headersTimeout: options.idleMsMax },
    forceCloseConnections: true,
    return503OnClosing: false,
  });
  // Uploads are not read into memory: handlers take them as they come.
  app.addContentTypeParser('*', { bodyLimit: options.limits.uploadBytesMax }, (_request, payload, done) => done(null, payload));
  app.addHook('onSend', async (request, reply) => void reply.header('x-request-id', request.id));
  app.addHook('preHandler', async (request, reply) => void reply.header('x-request-id', request.id));
  app.setErrorHandler((caught, _request, reply) => {
    const error = failureOf(caught);
    if (error.code === 'internal') platform.log.error('a request failed unexpectedly', { cause: causeOf(error) });
    const { status, headers, body } = refusalOf(error);
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler((request) => {
    throw new MeshError('not-found', `there is no ${request.method} ${request.url.split('?')[0]?.slice(0, 100)}`);
  });
  const desk = new Desk(platform, new Clients(options.clients, () => platform.clock.monotonicMs()), options.idleMsMax);
  facts(app, platform);
  voiceTurns(app, desk, ports, options.limits);
  await openAi(app, desk, ports, options.limits);
  return { url: await listen(app, options.address), close: () => app.close() };
}

async function listen(app: FastifyInstance, address: string): Promise<string> {
  const at = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, at), Number(address.slice(at + 1))];
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
