import type { TurnDone, TurnResponse } from '@smartlite/contracts';
import { Pcm24 } from '../../audio/pcm24.ts';
import { Said } from '../../turn/said.ts';
import { doneFacts } from '../turns.ts';
import { AudioQueue } from './audioqueue.ts';
import type { SessionMemory } from './settings.ts';
import type { ServerEvent } from './wire.ts';

/** One utterance and its response on a session. */
export interface RealtimeTurn {
  readonly item: string;
  /** The item of its answer. */
  readonly reply: string;
  readonly response: string;
  readonly audio: AudioQueue;
  readonly leaving: AbortController;
  /** Resolved when the client wants the answer. */
  readonly wanted: PromiseWithResolvers<void>;
  /** Resolved when no earlier answer is under way any more. */
  readonly alone: PromiseWithResolvers<void>;
  /** Resolved when all of it is over. */
  readonly over: PromiseWithResolvers<void>;
  /** What its answer says aloud. */
  readonly said: Said;
  /** From when on the client can hear the answer. */
  playsFromMs: number | undefined;
  transcript: string;
  /** True when its answer has been asked for. */
  asked: boolean;
  /** Why it was ended before its end. */
  cancelled: 'turn_detected' | 'client_cancelled' | undefined;
  /** True from the first word on that was understood. */
  speaking: boolean;
  /** True when the utterance is over: what is said now is of the next turn. */
  committed: boolean;
  /** True from `response.created` on. */
  responding: boolean;
}

export type Send = (event: ServerEvent) => Promise<void>;

/** A turn that has heard nothing yet. */
export function newTurn(newId: () => string, queueBytesMax: number): RealtimeTurn {
  const item = `item_${newId()}`;
  return {
    item,
    reply: `${item}_reply`,
    response: `resp_${newId()}`,
    audio: new AudioQueue(queueBytesMax),
    leaving: new AbortController(),
    wanted: Promise.withResolvers<void>(),
    alone: Promise.withResolvers<void>(),
    over: Promise.withResolvers<void>(),
    said: new Said(),
    playsFromMs: undefined,
    transcript: '',
    asked: false,
    cancelled: undefined,
    speaking: false,
    committed: false,
    responding: false,
  };
}

/** Tells a turn's responses as events of a session, as fast as the client reads. Resolves with what became of it. */
export async function tellTurn(
  turn: RealtimeTurn,
  responses: AsyncIterable<TurnResponse>,
  memory: SessionMemory,
  send: Send,
): Promise<TurnDone | undefined> {
  const speech = new Pcm24();
  const name = (part: string) => (memory.released ? `response.output_${part}` : `response.${part}`);
  const place = { response_id: turn.response, item_id: turn.reply, output_index: 0, content_index: 0 };
  let heard = '';
  let done: TurnDone | undefined;
  try {
    for await (const { kind } of responses) {
      switch (kind?.$case) {
        case 'partial':
          // Partial texts grow; a delta is what is new.
          await send(
            heardEvent(turn, 'delta', { delta: kind.value.text.startsWith(heard) ? kind.value.text.slice(heard.length) : '' }),
          );
          heard = kind.value.text;
          break;
        case 'transcript':
          await send(heardEvent(turn, 'completed', { transcript: kind.value.text }));
          break;
        case 'answerDelta':
          await begin(turn, send);
          await send({ type: name('audio_transcript.delta'), ...place, delta: kind.value });
          break;
        case 'audio':
          await send({ type: name('audio.delta'), ...place, delta: (await speech.push(kind.value)).toString('base64') });
          break;
        case 'done':
          done = kind.value;
          await send({ type: name('audio.done'), ...place });
          await send({ type: name('audio_transcript.done'), ...place, transcript: done.answer });
          await send(responseEvent(turn, 'response.done', 'completed', doneFacts(done)));
          break;
        case undefined:
          break;
      }
    }
    return done;
  } finally {
    speech.close();
  }
}

async function begin(turn: RealtimeTurn, send: Send): Promise<void> {
  if (turn.responding) return;
  turn.responding = true;
  await send(responseEvent(turn, 'response.created', 'in_progress'));
}

function heardEvent({ item }: RealtimeTurn, part: 'delta' | 'completed', more: Readonly<Record<string, unknown>>) {
  return { type: `conversation.item.input_audio_transcription.${part}`, item_id: item, content_index: 0, ...more };
}

/** `response.created` and `response.done`; the receipt of ours stands beside OpenAI's facts. */
export function responseEvent(
  { response, cancelled }: RealtimeTurn,
  type: 'response.created' | 'response.done',
  status: 'in_progress' | 'completed' | 'cancelled' | 'failed',
  receipt?: ReturnType<typeof doneFacts>,
) {
  const usage = receipt && { total_tokens: receipt.budget.llmTokens };
  const details = status === 'cancelled' && { status_details: { type: status, reason: cancelled ?? 'client_cancelled' } };
  return {
    type,
    response: { id: response, object: 'realtime.response', status, ...details, ...(receipt && { usage, receipt }) },
  };
}
