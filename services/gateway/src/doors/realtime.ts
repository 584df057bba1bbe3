import websocket from '@fastify/websocket';
import { MeshError } from '@smartlite/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { IntakeLimits } from '../audio/intake.ts';
import type { Ports } from '../engine.ts';
import type { Desk } from './desk.ts';
import { tierName } from './openai/names.ts';
import { parse } from './openai/parse.ts';
import { RealtimeSession } from './realtime/session.ts';

/** One message: a minute of audio in base64, the whole of the longest turn. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Connections held at once; each may have a turn under way. */
const SESSIONS_MAX = 64;
/** A session in which nothing is said for so long is over. */
const QUIET_MS_MAX = 300_000;
/** Messages of one client that wait to be looked at before its socket is held back. */
const MESSAGES_MAX = 4;
const CLOSE_NORMAL = 1000;
/** The server met what it did not expect; a code that was sent before stands. */
const CLOSE_FAILED = 1011;

const query = z.object({ model: z.string().max(64).optional() });
const tierOf = (request: FastifyRequest) => tierName(parse(query, request.query, 'query').model);

/** `GET /v1/realtime`: OpenAI's realtime sessions over WebSocket, audio as pcm16 of 24 kHz. */
export async function realtime(app: FastifyInstance, desk: Desk, ports: Ports, limits: IntakeLimits): Promise<void> {
  let sessions = 0;
  await app.register(websocket, {
    // By itself it would cut the connection, and the code for what was wrong might never be read.
    errorHandler: (_error, socket) => socket.close(CLOSE_FAILED),
    options: {
      maxPayload: MESSAGE_BYTES_MAX,
      // Never a protocol that carries a key.
      handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
    },
  });
  const mayOpen = async (request: FastifyRequest) => {
    await ports.tiers.requireAnswer(tierOf(request));
    if (sessions >= SESSIONS_MAX)
      throw new MeshError('overloaded', `${SESSIONS_MAX} sessions are open already`, { retryAfterMs: 1_000 });
  };
  const handler = async () => {
    throw new MeshError('invalid-argument', 'GET /v1/realtime is a WebSocket: open it with one');
  };
  const wsHandler = (socket: WebSocket, request: FastifyRequest) => {
    const session = new RealtimeSession({ socket, request, desk, ports, limits, tier: tierOf(request) });
    sessions += 1;
    let waiting = 0;
    let last = session.open();
    const quiet = setTimeout(() => socket.close(CLOSE_NORMAL, 'nothing was said for too long'), QUIET_MS_MAX);
    socket.on('message', (data, isBinary) => {
      quiet.refresh();
      waiting += 1;
      if (waiting >= MESSAGES_MAX) socket.pause();
      const text = isBinary ? '' : (data as Buffer).toString('utf8');
      last = last
        .then(() => session.receive(text))
        .finally(() => {
          waiting -= 1;
          if (waiting < MESSAGES_MAX && socket.isPaused) socket.resume();
        });
    });
    // What is no WebSocket message, or too large a one, closes the connection with the code that says so.
    socket.on('error', () => session.close());
    socket.on('close', () => {
      clearTimeout(quiet);
      sessions -= 1;
      session.close();
    });
  };
  app.route({ method: 'GET', url: '/v1/realtime', preValidation: mayOpen, handler, wsHandler });
}
