import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { ServerEvent } from './sse.ts';

const servedBySchema = z.looseObject({ model: z.string(), tier: z.string(), role: z.string(), because: z.string().optional() });
const doneSchema = z.looseObject({
  transcript: z.string(),
  answer: z.string(),
  servedBy: z.record(z.string(), servedBySchema.nullable()),
  latencyMs: z.record(z.string(), z.number()),
  traceId: z.string(),
  budget: z.record(z.string(), z.unknown()),
  audit: z.union([z.string(), z.looseObject({ id: z.string() })]),
});
/** What a finished turn says of itself; `talk --json` prints it. */
export type TurnDone = z.infer<typeof doneSchema>;

const textSchema = z.looseObject({ text: z.string() });
const audioSchema = z.looseObject({ pcm: z.base64(), rate_hz: z.number().int().min(8000).max(96_000) });
const errorSchema = z.looseObject({
  error: z.looseObject({ message: z.string(), code: z.string().nullish(), reason: z.string().nullish() }),
});

export interface Turn {
  readonly done: TurnDone;
  /** The spoken reply: mono s16le. */
  readonly pcm: Uint8Array;
  readonly rateHz: number;
}

export interface TurnListener {
  partial?(text: string): void;
  transcript?(text: string): void;
  answer?(delta: string): void;
}

/** Follows a turn's events to its end. A turn that fails midway, or ends without `done`, is a Problem. */
export async function followTurn(events: AsyncIterable<ServerEvent>, listener: TurnListener = {}): Promise<Turn> {
  const frames: Uint8Array[] = [];
  let rateHz = 0;
  for await (const { event, data } of events) {
    if (event === 'transcript.partial') listener.partial?.(parse(textSchema, data).text);
    else if (event === 'transcript.final') listener.transcript?.(parse(textSchema, data).text);
    else if (event === 'answer.delta') listener.answer?.(parse(textSchema, data).text);
    else if (event === 'audio') {
      const frame = parse(audioSchema, data);
      rateHz = frame.rate_hz;
      frames.push(Buffer.from(frame.pcm, 'base64'));
    } else if (event === 'error') throw failure(data);
    else if (event === 'done') return { done: parse(doneSchema, data), pcm: Buffer.concat(frames), rateHz };
  }
  throw new Problem(
    'The turn ended before it was done: the gateway closed the stream.',
    'Ask again; npx smartlite status shows what runs.',
  );
}

/** What the gateway's error body says, as a Problem. */
export function failure(body: string): Problem {
  const parsed = errorSchema.safeParse(jsonOf(body));
  const error = parsed.data?.error;
  // The reason is what the mesh calls it everywhere; the code is for OpenAI's clients.
  const name = error?.reason ?? error?.code;
  const text = error ? `${name ? `${name}: ` : ''}${error.message}` : body.slice(0, 300);
  return new Problem(
    `The turn failed. ${text}`,
    'npx smartlite status shows what runs and in which mode; npx smartlite doctor what to do.',
  );
}

function parse<T>(schema: z.ZodType<T>, data: string): T {
  const parsed = schema.safeParse(jsonOf(data));
  if (parsed.success) return parsed.data;
  throw new Problem(
    `The gateway sent an event that this command does not understand: ${z.prettifyError(parsed.error)}`,
    'Use the command of the same version as the mesh.',
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
