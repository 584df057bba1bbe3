import { MeshError } from '@smartlite/contracts';

/**
 * Asks in order until one gives its first result; from then on that one answers to the end, for a caller must never hear two
 * beginnings; unless those who come later can `resume` where the one before stopped. A failure that another one could not mend (bad input, a refused mode, a caller who has left) is thrown at once.
 * With nobody left, the last failure is thrown; with nobody at all, `unavailable`.
 */
export async function* firstThatAnswers<Leg, T>(
  legs: readonly Leg[],
  ask: (leg: Leg) => AsyncIterable<T>,
  onPassedOver: (leg: Leg, failure: MeshError) => void = () => undefined,
  resume = false,
): AsyncIterable<T> {
  let last = new MeshError('unavailable', 'no model can be asked now');
  for (const leg of legs) {
    let begun = false;
    try {
      for await (const result of ask(leg)) {
        begun = true;
        yield result;
      }
      return;
    } catch (caught) {
      last = MeshError.from(caught);
      if ((begun && !resume) || !MENDABLE.has(last.code)) throw last;
      onPassedOver(leg, last);
    }
  }
  throw last;
}

const MENDABLE: ReadonlySet<MeshError['code']> = new Set(['unavailable', 'overloaded', 'internal', 'deadline-exceeded']);
