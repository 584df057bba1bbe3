import type { Log } from '@smartlite/chassis';

/** Between two attempts at one append. */
const RETRY_MS = 200;
/** Appends that may wait while the log cannot be reached. A leader stands down long before; what is dropped then is a beat or a retry. */
const WAITING_MAX = 256;

interface Message {
  readonly subject: string;
  readonly bytes: Uint8Array;
}

/** One append after the other, each tried until the stream has acknowledged it: the fold refuses entries that overtake one another. */
export class AppendQueue {
  readonly #publish: (subject: string, bytes: Uint8Array) => Promise<{ readonly seq: number }>;
  readonly #log: Log;
  readonly #stopping: AbortSignal;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(
    publish: (subject: string, bytes: Uint8Array) => Promise<{ readonly seq: number }>,
    log: Log,
    stopping: AbortSignal,
  ) {
    this.#publish = publish;
    this.#log = log;
    this.#stopping = stopping;
  }

  /** The message is made when its turn has come. Resolves with its position; rejects when the queue is full or the process stops. */
  add(make: () => Message): Promise<number> {
    if (this.#waiting >= WAITING_MAX) return Promise.reject(new Error('too many appends wait for the control log'));
    this.#waiting += 1;
    const done = this.#tail
      .then(() => this.#send(make()))
      .finally(() => {
        this.#waiting -= 1;
      });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  async #send({ subject, bytes }: Message): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#publish(subject, bytes)).seq;
      } catch (caught) {
        if (this.#stopping.aborted) throw caught;
        if (attempt === 1) this.#log.warn('the control log does not take an entry; trying on', { because: String(caught) });
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}
