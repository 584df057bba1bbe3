/** Told of each result in turn: whether with this one the answer counts as said. */
export type SaidFrom<T> = (result: T) => boolean;

/**
 * Holds an answer back until it counts as said: up to then its maker may fail and somebody else begin anew, and nobody has heard two
 * beginnings. `onSaid` is called before the first result leaves. An answer that ends before is given whole.
 */
export async function* heldUntilSaid<T>(results: AsyncIterable<T>, saidFrom: SaidFrom<T>, onSaid: () => void): AsyncGenerator<T> {
  const held: T[] = [];
  let said = false;
  for await (const result of results) {
    if (!said) held.push(result);
    said ||= saidFrom(result);
    if (!said) continue;
    if (held.length === 0) yield result;
    else {
      onSaid();
      yield* held.splice(0);
    }
  }
  if (held.length > 0) onSaid();
  yield* held;
}
