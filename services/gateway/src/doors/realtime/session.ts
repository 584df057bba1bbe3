import { MeshError } from '@smartlite/contracts';
import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { intake, type IntakeLimits } from '../../audio/intake.ts';
import { OPENAI_RATE_HZ } from '../../audio/pcm24.ts';
import type { Ports } from '../../engine.ts';
import { Statement } from '../../turn/statement.ts';
import { takeTurn } from '../../turn/turn.ts';
import type { Desk } from '../desk.ts';
import { failureOf, refusalOf } from '../failure.ts';
import { parse } from '../openai/parse.ts';
import { patiently } from '../patience.ts';
import { traceparentOf } from '../traceparent.ts';
import { AudioQueue } from './audioqueue.ts';
import { type ClientEvent, clientEvent } from './events.ts';
import { SessionMemory } from './settings.ts';
import { type RealtimeTurn, responseEvent, tellTurn } from './turn.ts';

/** Audio that waits for the recogniser before the client is held back: a few seconds. */
const QUEUE_BYTES_MAX = 256 * 1024;
const NAME = 'GET /v1/realtime';
/** WebSocket's code for a policy that was broken. */
const CLOSE_POLICY = 1008;

export interface SessionParts {
  readonly socket: WebSocket;
  readonly request: FastifyRequest;
  readonly desk: Desk;
  readonly ports: Ports;
  readonly limits: IntakeLimits;
  readonly tier: string;
}

/** One connection: its memory, and at most one turn at a time. */
export class RealtimeSession {
  readonly #parts: SessionParts;
  readonly #memory: SessionMemory;
  readonly #id: string;
  #turn: RealtimeTurn | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#memory = new SessionMemory(parts.tier);
    this.#id = `sess_${parts.ports.newId()}`;
  }

  async open(): Promise<void> {
    await this.#send({ type: 'session.created', session: this.#memory.facts(this.#id) });
  }

  /** One message of the client's. What is wrong with it is told, and the session goes on. */
  async receive(message: string): Promise<void> {
    let event: ClientEvent | undefined;
    try {
      event = parse(clientEvent, jsonOf(message), 'event');
      await this.#obey(event);
    } catch (caught) {
      await this.#fail(caught, event?.event_id);
    }
  }

  /** The client has left: whatever runs for it ends. */
  close(): void {
    this.#turn?.leaving.abort();
  }

  async #obey(event: ClientEvent): Promise<void> {
    switch (event.type) {
      case 'session.update':
        this.#memory.update(event.session);
        return this.#send({ type: 'session.updated', session: this.#memory.facts(this.#id) });
      case 'input_audio_buffer.append':
        return this.#append(Buffer.from(event.audio, 'base64'));
      case 'input_audio_buffer.commit':
        return this.#commit();
      case 'input_audio_buffer.clear':
        if (this.#turn && !this.#turn.committed) this.#turn.leaving.abort();
        return this.#send({ type: 'input_audio_buffer.cleared' });
      case 'response.create':
        return this.#create();
      case 'response.cancel':
        if (!this.#turn?.committed) throw new MeshError('invalid-argument', 'response.cancel: no response is under way');
        return this.#turn.leaving.abort();
    }
  }

  async #append(pcm: Uint8Array): Promise<void> {
    if (this.#turn?.committed) {
      // With turn detection the microphone stays open; what it hears of the answer is nobody's next question.
      if (this.#memory.endAtPause) return;
      throw new MeshError('conflict', 'a response is under way: wait for response.done, or send response.cancel');
    }
    this.#turn ??= this.#begin();
    await this.#turn.audio.push(pcm);
  }

  async #commit(): Promise<void> {
    const turn = this.#turn;
    if (!turn || turn.committed) throw new MeshError('invalid-argument', 'input_audio_buffer.commit: the buffer is empty');
    turn.committed = true;
    turn.audio.end();
    await this.#send({ type: 'input_audio_buffer.committed', item_id: turn.item });
  }

  async #create(): Promise<void> {
    if (!this.#turn) throw new MeshError('invalid-argument', 'response.create: nothing has been said yet');
    if (!this.#turn.committed) await this.#commit();
    this.#turn.wanted.resolve();
  }

  #begin(): RealtimeTurn {
    const { ports } = this.#parts;
    const turn: RealtimeTurn = {
      item: `item_${ports.newId()}`,
      response: `resp_${ports.newId()}`,
      audio: new AudioQueue(QUEUE_BYTES_MAX),
      leaving: new AbortController(),
      wanted: Promise.withResolvers<void>(),
      committed: false,
      responding: false,
    };
    if (this.#memory.endAtPause) turn.wanted.resolve();
    void this.#run(turn);
    return turn;
  }

  async #run(turn: RealtimeTurn): Promise<void> {
    const { desk, request, ports, limits } = this.#parts;
    const settings = this.#memory.settings();
    const statement = new Statement(ports.newSalt());
    const audio = intake(statement.heard(patiently(turn.audio.read(), desk.idleMsMax)), limits, OPENAI_RATE_HZ);
    const traceparent = traceparentOf(undefined, desk.platform);
    try {
      // A key that was revoked since the last turn opens nothing any more.
      await desk.admit(request);
      const errand = { name: NAME, inSafeMode: 'refuse', signal: turn.leaving.signal, traceparent } as const;
      const responses = desk.run(request, errand, (call) =>
        this.#committing(
          turn,
          takeTurn(ports, settings, audio, statement, call, () => turn.wanted.promise),
        ),
      );
      const done = await tellTurn(turn, responses, this.#memory, (event) => this.#send(event));
      if (done) this.#memory.remember(done);
    } catch (caught) {
      await this.#ended(turn, caught);
    } finally {
      turn.audio.end();
      if (this.#turn === turn) this.#turn = undefined;
    }
  }

  /** The transcript is final when the recogniser found a pause, too: what follows is not of this turn. */
  async *#committing<T extends { readonly kind: { readonly $case: string } | undefined }>(
    turn: RealtimeTurn,
    responses: AsyncIterable<T>,
  ) {
    for await (const response of responses) {
      if (response.kind?.$case === 'transcript') turn.committed = true;
      yield response;
    }
  }

  async #ended(turn: RealtimeTurn, caught: unknown): Promise<void> {
    const { socket } = this.#parts;
    const error = failureOf(caught);
    const cancelled = turn.leaving.signal.aborted;
    if (!cancelled) await this.#fail(error);
    if (turn.committed) await this.#send(responseEvent(turn, 'response.done', cancelled ? 'cancelled' : 'failed'));
    if (error.code === 'unauthenticated') socket.close(CLOSE_POLICY, 'the API key is no longer good');
  }

  #fail(caught: unknown, eventId?: string): Promise<void> {
    const { error } = refusalOf(failureOf(caught)).body;
    return this.#send({ type: 'error', error: { ...error, event_id: eventId ?? null } });
  }

  /** Resolves when the message has left this process, so that a client that does not read holds the engines back, and then is let go. */
  #send(event: { readonly type: string } & Readonly<Record<string, unknown>>): Promise<void> {
    const { socket, desk, ports } = this.#parts;
    if (socket.readyState !== socket.OPEN) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => socket.terminate(), desk.idleMsMax);
    socket.send(JSON.stringify({ event_id: `event_${ports.newId()}`, ...event }), () => resolve());
    return promise.finally(() => clearTimeout(timer));
  }
}

function jsonOf(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    throw new MeshError('invalid-argument', 'the message is no JSON');
  }
}
