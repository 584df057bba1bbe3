/** One event of a `text/event-stream`. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** A single event holds at most half a second of audio in base64; this is far above it. */
const EVENT_CHARACTERS_MAX = 4 << 20;

/** Reads server-sent events (WHATWG HTML, section 9.2) from a body that an attacker may control. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > EVENT_CHARACTERS_MAX) throw new Error('the gateway sends an event without end');
    yield* blocks.flatMap((block) => parseBlock(block) ?? []);
  }
}

function parseBlock(block: string): ServerEvent | undefined {
  const fields = block.split(/\r?\n/).map((line) => /^([^:]+):? ?(.*)$/.exec(line));
  const valuesOf = (name: string) => fields.flatMap((field) => (field?.[1] === name ? (field[2] ?? '') : []));
  const data = valuesOf('data');
  if (data.length === 0) return undefined;
  return { event: valuesOf('event').at(-1) ?? 'message', data: data.join('\n') };
}
