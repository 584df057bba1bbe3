import { MeshError, type Transcript, type TurnResponse } from '@smartlite/contracts';
import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { intake, type IntakeLimits } from '../../audio/intake.ts';
import { OPENAI_RATE_HZ } from '../../audio/pcm24.ts';
import type { Ports } from '../../engine.ts';
import { Statement } from '../../turn/statement.ts';
import { takeTurn } from '../../turn/turn.ts';
import type { Desk } from '../desk.ts';
import { failureOf } from '../failure.ts';
import { voiceName } from '../openai/names.ts';
import { parse } from '../openai/parse.ts';
import { patiently } from '../patience.ts';
import { traceparentOf } from '../traceparent.ts';
import { type ClientEvent, clientEvent } from './events.ts';
import { SessionMemory, voiceIn } from './settings.ts';
import { newTurn, type RealtimeTurn, responseEvent, tellTurn } from './turn.ts';
import { Wire } from './wire.ts';

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

/**
 * One connection: its memory, a turn that is answered, and one that listens. With turn detection it listens while it answers: a word
 * that is understood ends the answer, and what nobody has heard of it is forgotten.
 */
export class RealtimeSession {
  readonly #parts: SessionParts;
  readonly #memory: SessionMemory;
  readonly #wire: Wire;
  readonly #id: string;
  #listening: RealtimeTurn | undefined;
  #answering: RealtimeTurn | undefined;
  /** The last answer that was sent whole: its client may still be playing it. */
  #playing: RealtimeTurn | undefined;

  constructor(parts: SessionParts) {
    const { socket, ports, desk, tier } = parts;
    this.#parts = parts;
    this.#memory = new SessionMemory(tier);
    this.#wire = new Wire(socket, ports.newId, desk.idleMsMax);
    this.#id = `sess_${ports.newId()}`;
  }

  async open(): Promise<void> {
    await this.#wire.send({ type: 'session.created', session: this.#memory.facts(this.#id) });
  }

  /** One message of the client's. What is wrong with it is told, and the session goes on. */
  async receive(message: string): Promise<void> {
    let event: ClientEvent | undefined;
    try {
      event = parse(clientEvent, jsonOf(message), 'event');
      await this.#obey(event);
    } catch (caught) {
      await this.#wire.fail(caught, event?.event_id);
    }
  }

  /** The client has left: whatever runs for it ends. */
  close(): void {
    this.#listening?.leaving.abort();
    this.#answering?.leaving.abort();
  }

  async #obey(event: ClientEvent): Promise<void> {
    switch (event.type) {
      case 'session.update':
        await this.#parts.ports.voiceFor({ model: '', voice: voiceName(voiceIn(event.session) ?? '') });
        this.#memory.update(event.session);
        return this.#wire.send({ type: 'session.updated', session: this.#memory.facts(this.#id) });
      case 'input_audio_buffer.append':
        return this.#append(Buffer.from(event.audio, 'base64'));
      case 'input_audio_buffer.commit':
        if (!this.#listening || this.#listening.committed)
          throw new MeshError('invalid-argument', 'input_audio_buffer.commit: the buffer is empty');
        return this.#commit(this.#listening);
      case 'input_audio_buffer.clear':
        this.#clear();
        return this.#wire.send({ type: 'input_audio_buffer.cleared' });
      case 'response.create':
        return this.#create();
      case 'response.cancel':
        return this.#cancel();
      case 'conversation.item.truncate': {
        const { item_id, content_index, audio_end_ms } = event;
        this.#memory.truncate(item_id, audio_end_ms);
        return this.#wire.send({ type: 'conversation.item.truncated', item_id, content_index, audio_end_ms });
      }
    }
  }

  async #append(pcm: Uint8Array): Promise<void> {
    const { detection } = this.#memory;
    if (this.#answering && detection === null)
      throw new MeshError('conflict', 'a response is under way: wait for response.done, or send response.cancel');
    // An open microphone may hear the answer itself; whoever does not want to be interrupted by that is not.
    if (this.#answering && !detection?.interrupt_response) return;
    this.#listening ??= this.#begin();
    if (!this.#listening.committed) await this.#listening.audio.push(pcm);
  }

  #clear(): void {
    if (!this.#listening || this.#listening.committed) return;
    this.#listening.leaving.abort();
    this.#listening = undefined;
  }

  /** The utterance is over. It is answered as soon as no earlier answer is under way. */
  async #commit(turn: RealtimeTurn): Promise<void> {
    turn.committed = true;
    turn.audio.end();
    await this.#wire.send({ type: 'input_audio_buffer.committed', item_id: turn.item });
    if (this.#answering) this.#interrupt(this.#answering, 'turn_detected');
    void this.#follow(turn);
  }

  async #follow(turn: RealtimeTurn): Promise<void> {
    while (this.#answering) await this.#answering.over.promise;
    if (this.#listening === turn) this.#listening = undefined;
    this.#answering = turn;
    turn.alone.resolve();
  }

  async #create(): Promise<void> {
    const turn = this.#listening ?? this.#answering;
    if (!turn) throw new MeshError('invalid-argument', 'response.create: nothing has been said yet');
    if (!turn.committed) await this.#commit(turn);
    want(turn);
  }

  #cancel(): void {
    if (!this.#answering) throw new MeshError('invalid-argument', 'response.cancel: no response is under way');
    this.#interrupt(this.#answering, 'client_cancelled');
  }

  #interrupt(turn: RealtimeTurn, why: RealtimeTurn['cancelled']): void {
    turn.cancelled ??= why;
    turn.leaving.abort();
  }

  #begin(): RealtimeTurn {
    const turn = newTurn(this.#parts.ports.newId, QUEUE_BYTES_MAX);
    if (this.#memory.detection?.create_response) want(turn);
    void this.#run(turn);
    return turn;
  }

  async #run(turn: RealtimeTurn): Promise<void> {
    const { desk, request, ports, limits } = this.#parts;
    const statement = new Statement(ports.newSalt());
    const audio = intake(statement.heard(patiently(turn.audio.read(), desk.idleMsMax)), limits, OPENAI_RATE_HZ);
    const traceparent = traceparentOf(undefined, desk.platform);
    const readyToReply = async () => {
      await Promise.all([turn.wanted.promise, turn.alone.promise]);
      return this.#memory.settings();
    };
    try {
      // A key that was revoked since the last turn opens nothing any more.
      await desk.admit(request);
      const errand = { name: NAME, inSafeMode: 'refuse', signal: turn.leaving.signal, traceparent } as const;
      const responses = desk.run(request, errand, (call) =>
        this.#noting(turn, takeTurn(ports, this.#memory.settings(), audio, statement, call, { readyToReply, said: turn.said })),
      );
      const done = await tellTurn(turn, responses, this.#memory, (event) => this.#wire.send(event));
      if (done) {
        this.#memory.keepTimers(done.timers);
        this.#memory.remember(turn.reply, done.transcript, done.answer, turn.said);
        this.#playing = turn;
      }
    } catch (caught) {
      await this.#ended(turn, caught);
    } finally {
      turn.audio.end();
      if (this.#listening === turn) this.#listening = undefined;
      if (this.#answering === turn) this.#answering = undefined;
      turn.over.resolve();
    }
  }

  /** Takes note of what a turn has understood and begun to say, before the client is told. */
  async *#noting(turn: RealtimeTurn, responses: AsyncIterable<TurnResponse>): AsyncIterable<TurnResponse> {
    for await (const response of responses) {
      const { kind } = response;
      if (kind?.$case === 'partial') await this.#hears(turn, kind.value);
      if (kind?.$case === 'transcript') await this.#heard(turn, kind.value);
      if (kind?.$case === 'audio') turn.playsFromMs ??= this.#parts.ports.clock.monotonicMs();
      yield response;
    }
  }

  /** Somebody speaks, where the session looks for that: an answer that is under way, or still being played, ends here. */
  async #hears(turn: RealtimeTurn, { text, startMs }: Transcript): Promise<void> {
    if (text === '' || turn.speaking || this.#memory.detection === null) return;
    turn.speaking = true;
    await this.#wire.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: startMs, item_id: turn.item });
    const { interrupt_response: interrupts } = this.#memory.detection;
    if (!interrupts || this.#answering === turn) return;
    if (this.#answering) this.#interrupt(this.#answering, 'turn_detected');
    else if (this.#playing) await this.#cut(this.#playing);
    this.#playing = undefined;
  }

  /** The transcript is final when the recogniser found a pause, too: what follows is not of this turn. */
  async #heard(turn: RealtimeTurn, transcript: Transcript): Promise<void> {
    turn.transcript = transcript.text.trim();
    await this.#hears(turn, transcript);
    if (turn.committed) return;
    // A noise beside an answer is nobody's question.
    if (turn.transcript === '' && this.#answering) return turn.leaving.abort();
    const { endMs: audio_end_ms } = transcript;
    await this.#wire.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms, item_id: turn.item });
    await this.#commit(turn);
  }

  /** Forgets of an answer what was not heard by now, as far as that can be known here: a client that plays it late says so itself. */
  async #cut(turn: RealtimeTurn): Promise<void> {
    const playedMs = turn.playsFromMs === undefined ? 0 : this.#parts.ports.clock.monotonicMs() - turn.playsFromMs;
    if (playedMs >= turn.said.ms && turn.cancelled === undefined) return;
    const heardMs = Math.floor(Math.min(playedMs, turn.said.ms));
    this.#memory.truncate(turn.reply, heardMs);
    const facts = { item_id: turn.reply, content_index: 0, audio_end_ms: heardMs };
    await this.#wire.send({ type: 'conversation.item.truncated', ...facts });
  }

  async #ended(turn: RealtimeTurn, caught: unknown): Promise<void> {
    const error = failureOf(caught);
    const cancelled = turn.leaving.signal.aborted;
    if (!cancelled) await this.#wire.fail(error);
    if (turn.committed && (turn.asked || !cancelled))
      await this.#wire.send(responseEvent(turn, 'response.done', cancelled ? 'cancelled' : 'failed'));
    if (cancelled && turn.transcript !== '') {
      this.#memory.remember(turn.reply, turn.transcript, '', turn.said);
      this.#playing = undefined;
      if (turn.responding) await this.#cut(turn);
    }
    if (error.code === 'unauthenticated') this.#parts.socket.close(CLOSE_POLICY, 'the API key is no longer good');
  }
}

function want(turn: RealtimeTurn): void {
  turn.asked = true;
  turn.wanted.resolve();
}

function jsonOf(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    throw new MeshError('invalid-argument', 'the message is no JSON: events are JSON, in text messages');
  }
}
