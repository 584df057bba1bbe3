import { MeshError } from '@smartlite/contracts';

/** Longest line of the event stream: one token's JSON, with room. */
const LINE_CHARS_MAX = 1_048_576;

/** How long an upstream may send nothing, in milliseconds; asked anew for each read. */
export type Patience = () => number;

/** The data of each event, wherever the network cuts the stream. Throws `unavailable` on silence and on an endless line. */
export async function* events(response: Response, patience: Patience, signal: AbortSignal): AsyncIterable<string> {
  let rest = '';
  for await (const text of texts(response, patience, signal)) {
    const parts = (rest + text).split(/\r?\n/);
    rest = parts.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX) throw new MeshError('unavailable', 'the upstream sent an endless line');
    for (const line of parts) yield* dataOf(line);
  }
  yield* dataOf(rest);
}

/** The first `charactersMax` of a body at most. */
export async function textOf(
  response: Response,
  charactersMax: number,
  patience: Patience,
  signal: AbortSignal,
): Promise<string> {
  let whole = '';
  for await (const text of texts(response, patience, signal)) {
    whole += text;
    if (whole.length >= charactersMax) break;
  }
  return whole.slice(0, charactersMax);
}

function dataOf(line: string): string[] {
  const data = line.startsWith('data:') ? line.slice('data:'.length).trim() : '';
  return data === '' ? [] : [data];
}

async function* texts(response: Response, patience: Patience, signal: AbortSignal): AsyncIterable<string> {
  if (!response.body) throw new MeshError('unavailable', 'the upstream sent no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await within(patience(), reader.read(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function within<T>(silenceMs: number, read: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new MeshError('unavailable', 'the upstream fell silent')), silenceMs);
  const leave = () => reject(new MeshError('cancelled', 'the caller has left'));
  signal.addEventListener('abort', leave, { once: true });
  return Promise.race([read, promise]).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  });
}
