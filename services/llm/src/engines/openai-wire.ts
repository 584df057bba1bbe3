import { MeshError } from '@smartlite/contracts';
import { z } from 'zod';
import { textOf } from './openai-stream.ts';

// What upstreams say: https://platform.openai.com/docs/api-reference/chat-streaming. Nothing of it is trusted, or repeated to callers.

/** An error's body names a code in a few hundred bytes. */
const REFUSAL_CHARS_MAX = 65_536;
/** Its status is known by then: the rest is not waited for long. */
const REFUSAL_MS_MAX = 2_000;
/** How OpenAI and its likes name a conversation that does not fit. */
const TOO_LONG = new Set(['context_length_exceeded', 'exceed_context_size_error']);

const part = z.object({ index: z.number().nullish(), function: z.object({ arguments: z.string().nullish() }).nullish() });
const delta = z.object({ content: z.string().nullish(), tool_calls: z.array(part).nullish() });
const count = z.number().int().min(0);

const chatEvent = z.object({
  choices: z.array(z.object({ delta: delta.nullish(), finish_reason: z.string().nullish() })).default([]),
  usage: z.object({ prompt_tokens: count, completion_tokens: count }).nullish(),
  /** Said in mid-stream in place of the rest. */
  error: z.unknown().optional(),
});
export type ChatEvent = z.infer<typeof chatEvent>;

const refusal = z.object({ error: z.object({ code: z.unknown(), type: z.unknown() }).partial() });

/** One event of the stream. Throws `unavailable` where it is none, or says that the upstream has failed. */
export function readEvent(data: string): ChatEvent {
  const event = parsed(data);
  if (event.error !== undefined && event.error !== null) throw new MeshError('unavailable', 'the upstream failed in mid-answer');
  return event;
}

function parsed(data: string): ChatEvent {
  try {
    return chatEvent.parse(JSON.parse(data));
  } catch (cause) {
    throw new MeshError('unavailable', 'the upstream sent what is no chat completion', { cause });
  }
}

/** Why the upstream refused, by its status alone: what it writes may quote the key or the question. */
export async function refusalOf(response: Response, signal: AbortSignal): Promise<'too-long'> {
  const { status } = response;
  const body = await textOf(response, REFUSAL_CHARS_MAX, () => REFUSAL_MS_MAX, signal).catch(() => '');
  if ((status === 400 || status === 413) && isTooLong(body)) return 'too-long';
  throw new MeshError('unavailable', `the upstream refused with HTTP ${status}${MEANING[status] ?? ''}`, {
    facts: { upstream_status: String(status) },
  });
}

const MEANING: Readonly<Record<number, string>> = {
  401: ': it does not accept the key',
  403: ': the key may not do this',
  404: ': it has no such model or path',
  429: ': it is asked too often',
};

function isTooLong(body: string): boolean {
  try {
    const { error } = refusal.parse(JSON.parse(body));
    return [error.code, error.type].some((name) => typeof name === 'string' && TOO_LONG.has(name));
  } catch {
    return false;
  }
}
