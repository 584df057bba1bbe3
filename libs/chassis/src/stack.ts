type Close = (signal: AbortSignal) => unknown;

/** What has been opened, to be closed in reverse. One that fails or hangs does not keep the others open. */
export class Stack {
  readonly #closes: Close[] = [];

  add(close: Close): void {
    this.#closes.push(close);
  }

  /** Closed after everything else. */
  addFirst(close: Close): void {
    this.#closes.unshift(close);
  }

  /** Closes all; gives up on those that are not done when the signal ends. Throws the first failure, after all were tried. */
  async close(signal: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for (const close of this.#closes.splice(0).reverse()) {
      try {
        await Promise.race([close(signal), over]);
      } catch (caught) {
        failures.push(caught);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
