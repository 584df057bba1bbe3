import type { WebSocket } from 'ws';
import { failureOf, refusalOf } from '../failure.ts';

export type ServerEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** The way to one client: its events, each with an id. */
export class Wire {
  readonly #socket: WebSocket;
  readonly #newId: () => string;
  readonly #idleMsMax: number;

  constructor(socket: WebSocket, newId: () => string, idleMsMax: number) {
    this.#socket = socket;
    this.#newId = newId;
    this.#idleMsMax = idleMsMax;
  }

  /** Resolves when the message has left this process, so that a client that does not read holds the engines back, and then is let go. */
  send(event: ServerEvent): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => socket.terminate(), this.#idleMsMax);
    socket.send(JSON.stringify({ event_id: `event_${this.#newId()}`, ...event }), () => resolve());
    return promise.finally(() => clearTimeout(timer));
  }

  /** Tells what went wrong, and with which of the client's messages. */
  fail(caught: unknown, eventId?: string): Promise<void> {
    const { error } = refusalOf(failureOf(caught)).body;
    return this.send({ type: 'error', error: { ...error, event_id: eventId ?? null } });
  }
}
