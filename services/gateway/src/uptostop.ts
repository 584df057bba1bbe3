/** A piece of an answer's text. */
interface Piece {
  readonly text: string;
}

/**
 * An answer up to the first of some stops, which is left out. What may be the beginning of a stop waits for what follows it. The rest
 * of the answer is read and not passed on, for who made it is known at its end. `heard` gets each text that is passed on.
 * Resolves with what `texts` ends with, and whether a stop was met.
 */
export async function* upToStop<T extends Piece, R>(
  texts: AsyncGenerator<T, R>,
  stops: readonly string[],
  heard: (text: string) => void,
): AsyncGenerator<T, { readonly end: R; readonly stopped: boolean }> {
  let waiting = '';
  let stopped = false;
  let last: T | undefined;
  try {
    for (let next = await texts.next(); ; next = await texts.next()) {
      const text: string = next.done === true ? waiting : waiting + next.value.text;
      if (next.done !== true) last = next.value;
      const met: number = stopped ? 0 : firstStop(text, stops);
      stopped ||= met !== -1;
      const until = stopped ? met : text.length - (next.done === true ? 0 : beginning(text, stops));
      waiting = stopped ? '' : text.slice(until);
      if (last && until > 0) {
        heard(text.slice(0, until));
        yield { ...last, text: text.slice(0, until) };
      }
      if (next.done === true) return { end: next.value, stopped };
    }
  } finally {
    await texts.return(undefined as R);
  }
}

/** Where the stop begins that ends first, however the text is cut into tokens; -1 for none. */
function firstStop(text: string, stops: readonly string[]): number {
  const met = stops.map((stop) => ({ at: text.indexOf(stop), length: stop.length })).filter(({ at }) => at !== -1);
  const [first] = met.sort((a, b) => a.at + a.length - (b.at + b.length) || a.at - b.at);
  return first?.at ?? -1;
}

/** How many characters at a text's end may be the beginning of a stop. */
function beginning(text: string, stops: readonly string[]): number {
  const lengths = stops.flatMap((stop) =>
    Array.from({ length: stop.length - 1 }, (_, at) => at + 1).filter((n) => text.endsWith(stop.slice(0, n))),
  );
  return Math.max(0, ...lengths);
}
