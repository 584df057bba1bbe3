/** Calls that wait for a numbered event, or a later one. */
export class Waiters<T> {
  readonly #waiting = new Set<{ readonly from: number; readonly resolve: (value: T) => void }>();

  /** Resolves with the first event numbered `from` or above; rejects when the signal ends. */
  wait(from: number, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter = { from, resolve };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', () => {
        this.#waiting.delete(waiter);
        reject(signal.reason);
      });
    });
  }

  settle(number: number, value: T): void {
    for (const waiter of this.#waiting) {
      if (waiter.from > number) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(value);
    }
  }
}
