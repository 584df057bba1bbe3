import type { TurnDone, TurnResponse } from '@smartlite/contracts';
import { Pcm24 } from '../../audio/pcm24.ts';
import { doneFacts } from '../turns.ts';
import type { AudioQueue } from './audioqueue.ts';
import type { SessionMemory } from './settings.ts';

/** One utterance and its response on a session. */
export interface RealtimeTurn {
  readonly item: string;
  readonly response: string;
  readonly audio: AudioQueue;
  readonly leaving: AbortController;
  /** Resolved when the client wants the answer. */
  readonly wanted: PromiseWithResolvers<void>;
  committed: boolean;
  /** True from `response.created` on. */
  responding: boolean;
}

export type Send = (event: { readonly type: string } & Readonly<Record<string, unknown>>) => Promise<void>;

/** Tells a turn's responses as events of a session, as fast as the client reads. Resolves with what became of it. */
export async function tellTurn(
  turn: RealtimeTurn,
  responses: AsyncIterable<TurnResponse>,
  memory: SessionMemory,
  send: Send,
): Promise<TurnDone | undefined> {
  const speech = new Pcm24();
  const name = (part: string) => (memory.released ? `response.output_${part}` : `response.${part}`);
  const place = { response_id: turn.response, item_id: `${turn.item}_reply`, output_index: 0, content_index: 0 };
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
  { response }: RealtimeTurn,
  type: 'response.created' | 'response.done',
  status: 'in_progress' | 'completed' | 'cancelled' | 'failed',
  receipt?: ReturnType<typeof doneFacts>,
) {
  const usage = receipt && { total_tokens: receipt.budget.llmTokens };
  return { type, response: { id: response, object: 'realtime.response', status, ...(receipt && { usage, receipt }) } };
}
