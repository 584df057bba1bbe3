/** Waits for something that may never come, with a limit that may be set anew while it waits. Ends its timer with the wait. */
export class Patience {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expire: (() => void) | undefined;
  #ms: number;

  /** An infinite time means no limit. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** From now on there is so much time, for what is being waited for and for what comes next. */
  reset(ms: number): void {
    this.#ms = ms;
    clearTimeout(this.#timer);
    if (this.#expire !== undefined && Number.isFinite(ms)) this.#timer = setTimeout(this.#expire, ms);
  }

  /** `undefined` when nothing came in time. The work itself is not ended. */
  async wait<T>(work: Promise<T>): Promise<{ readonly value: T } | undefined> {
    const expired = new Promise<undefined>((resolve) => (this.#expire = () => resolve(undefined)));
    this.reset(this.#ms);
    try {
      return await Promise.race([work.then((value) => ({ value })), expired]);
    } finally {
      clearTimeout(this.#timer);
      this.#expire = undefined;
    }
  }
}
