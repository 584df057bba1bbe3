/**
 * Passes values on until the source ends or the signal does; then throws the signal's reason, even if the source never answers
 * again. A handler that ignores its signal holds nobody up.
 */
export async function* endingWith<T>(signal: AbortSignal, source: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let resting = true;
  try {
    while (true) {
      resting = false;
      const step = await unlessAborted(signal, iterator.next());
      if (step.done) return;
      resting = true;
      yield step.value;
    }
  } finally {
    const left = iterator.return?.();
    // A source that rests at a value only has to clean up. One that works on its next may hang, so it is not waited for.
    if (resting) await left;
    else left?.catch(() => {});
  }
}

/** The promise's outcome, or the signal's reason if that comes first. Leaves no listener behind. */
export function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const settle =
      <V>(finish: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener('abort', abort);
        finish(value);
      };
    promise.then(settle(resolve), settle(reject));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
