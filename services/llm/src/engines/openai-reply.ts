import { MeshError } from '@smartlite/contracts';
import { z } from 'zod';
import type { Usage } from '../engine.ts';
import { events } from './openai-stream.ts';
import { type ChatEvent, readEvent } from './openai-wire.ts';

/** An upstream that has sent nothing for so long is taken for dead. */
const SILENCE_MS_MAX = 30_000;
/** The answer is whole by then; not every upstream sends what it cost, or ends its stream. */
const BILL_MS_MAX = 1_000;
/** Longest arguments of a tool call: far more than any call that can be carried out. */
const CALL_CHARS_MAX = 1_000;

const functionArguments = z.object({ call: z.string() });

/** An upstream's reply as it comes: texts, then one finish. */
export type ReplyPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'finish'; readonly reason: 'stop' | 'length'; readonly usage?: Usage };

/** Reads the stream to its finish. Throws `unavailable` where it breaks off before, falls silent, or is no chat completion. */
export async function* reply(response: Response, signal: AbortSignal): AsyncIterable<ReplyPiece> {
  const reading = new Reading();
  try {
    for await (const data of events(response, () => (reading.finished ? BILL_MS_MAX : SILENCE_MS_MAX), signal)) {
      if (data === '[DONE]') break;
      const text = reading.read(readEvent(data));
      if (text !== '') yield { kind: 'text', text };
      if (reading.billed) break;
    }
  } catch (caught) {
    if (!reading.finished || signal.aborted) throw caught;
  }
  yield reading.finish();
}

/** What was read so far of one reply. */
class Reading {
  #call = '';
  #finish: string | undefined;
  #usage: ChatEvent['usage'];

  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** Nothing more is to come, whatever the upstream does with its stream. */
  get billed(): boolean {
    return this.finished && this.#usage !== null && this.#usage !== undefined;
  }

  /** The text of an event; a call is text, too, once it is whole. */
  read({ choices: [choice], usage }: ChatEvent): string {
    this.#usage = usage ?? this.#usage;
    // What comes after the finish is the bill alone.
    if (choice === undefined || this.finished) return '';
    this.#finish = choice.finish_reason ?? undefined;
    this.#takeCall(choice);
    const call = this.finished && this.#call !== '' ? callOf(this.#call) : '';
    return `${choice.delta?.content ?? ''}${call}`;
  }

  finish(): ReplyPiece {
    if (this.#finish === undefined)
      throw new MeshError('unavailable', 'the upstream ended its stream before the answer was finished');
    const reason = this.#finish === 'length' ? 'length' : 'stop';
    if (!this.#usage) return { kind: 'finish', reason };
    const { prompt_tokens: promptTokens, completion_tokens: answerTokens } = this.#usage;
    return { kind: 'finish', reason, usage: { promptTokens, answerTokens } };
  }

  /** Arguments come in parts. Of several calls the first counts: one question gets one answer. */
  #takeCall({ delta }: ChatEvent['choices'][number]): void {
    const parts = delta?.tool_calls?.filter(({ index }) => (index ?? 0) === 0) ?? [];
    this.#call += parts.map((part) => part.function?.arguments ?? '').join('');
    if (this.#call.length > CALL_CHARS_MAX) throw new MeshError('unavailable', 'the upstream sent an endless tool call');
  }
}

/** The call as the tools read it; one that is none stays none, and is declined there. */
function callOf(json: string): string {
  try {
    return `<${functionArguments.parse(JSON.parse(json)).call.replace(/^<|>$/g, '')}>`;
  } catch {
    return '<>';
  }
}
