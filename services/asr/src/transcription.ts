import { type Call, traceServedBy } from '@smartlite/chassis';
import {
  MeshError,
  type RecognitionSettings,
  type ServedBy,
  type StreamTranscribeRequest,
  type StreamTranscribeResponse,
  type TranscribeRequest,
  type TranscribeResponse,
} from '@smartlite/contracts';
import { Outbox } from './outbox.ts';
import type { Recogniser } from './recogniser.ts';
import { Utterance, type UtteranceFinal, type UtteranceOptions, type UtteranceText } from './utterance.ts';

type Outgoing = Outbox<StreamTranscribeResponse, StreamTranscribeResponse>;

/** The two calls of AsrService: one utterance whole, and one while it is spoken. */
export class Transcription {
  readonly #recogniser: Recogniser;
  readonly #endPauseMs: number;
  #inflight = 0;

  constructor(recogniser: Recogniser, endPauseMs: number) {
    this.#recogniser = recogniser;
    this.#endPauseMs = endPauseMs;
  }

  /** Utterances that are being listened to. */
  get inflight(): number {
    return this.#inflight;
  }

  async whole({ settings, pcm }: TranscribeRequest, call: Call): Promise<TranscribeResponse> {
    if (pcm.length === 0) throw new MeshError('invalid-argument', 'pcm: there is no audio; send 16 kHz mono s16le');
    const tier = settings?.tier ?? '';
    return await this.#counted(async () => {
      const utterance = new Utterance(await this.#recogniser.earsFor(tier, call), call.signal);
      utterance.push(pcm);
      return this.#response(await utterance.finish(), tier, call);
    });
  }

  /** Partials while audio arrives, then the final one. Leaving the iteration ends all work on it. */
  async *live(requests: AsyncIterable<StreamTranscribeRequest>, call: Call): AsyncGenerator<StreamTranscribeResponse> {
    const outbox: Outgoing = new Outbox();
    const leaving = new AbortController();
    const signal = AbortSignal.any([call.signal, leaving.signal]);
    const work = this.#counted(() => this.#listen(requests, outbox, call, signal)).catch((failure: unknown) =>
      outbox.fail(failure),
    );
    try {
      yield* outbox;
    } finally {
      leaving.abort(new MeshError('cancelled', 'the caller has left'));
      await work;
    }
  }

  async #listen(
    requests: AsyncIterable<StreamTranscribeRequest>,
    outbox: Outgoing,
    call: Call,
    signal: AbortSignal,
  ): Promise<void> {
    const iterator = requests[Symbol.asyncIterator]();
    try {
      const settings = await firstSettings(iterator, signal);
      const ears = await this.#recogniser.earsFor(settings.tier, call);
      const utterance = new Utterance(ears, signal, this.#options(settings, outbox));
      await takeAudio(iterator, utterance, signal);
      outbox.final({ kind: { $case: 'final', value: this.#response(await utterance.finish(), settings.tier, call) } });
    } finally {
      // The caller's stream is of no more interest, however it ends.
      iterator.return?.().catch(() => undefined);
    }
  }

  #options({ partials, endAtPause }: RecognitionSettings, outbox: Outgoing): UtteranceOptions {
    const onPartial = (partial: UtteranceText) => outbox.partial({ kind: { $case: 'partial', value: partial } });
    return { ...(partials ? { onPartial } : {}), ...(endAtPause ? { endPauseMs: this.#endPauseMs } : {}) };
  }

  #response({ segments, audioMs, ...transcript }: UtteranceFinal<ServedBy>, tier: string, call: Call): TranscribeResponse {
    const speech = segments.length > 0;
    const by = speech ? leastOf(segments.map((segment) => segment.by)) : this.#recogniser.silenceServedBy(tier, call);
    traceServedBy(by, { operation: 'transcription' });
    return { transcript, servedBy: by, audioMs, speech };
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#inflight += 1;
    try {
      return await work();
    } finally {
      this.#inflight -= 1;
    }
  }
}

async function firstSettings(
  iterator: AsyncIterator<StreamTranscribeRequest>,
  signal: AbortSignal,
): Promise<RecognitionSettings> {
  const first = await orAborted(iterator.next(), signal);
  if (!first.done && first.value.kind?.$case === 'settings') return first.value.kind.value;
  throw new MeshError('invalid-argument', 'the first message of the stream must be the settings');
}

/** Feeds the utterance until the caller half-closes or the speaker pauses. */
async function takeAudio(
  iterator: AsyncIterator<StreamTranscribeRequest>,
  utterance: Utterance<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const over = utterance.over.then(() => 'over' as const);
  for (;;) {
    const next = await orAborted(Promise.race([iterator.next(), over]), signal);
    if (next === 'over' || next.done) return;
    if (next.value.kind?.$case !== 'pcm') throw new MeshError('invalid-argument', 'after the settings only audio may follow');
    utterance.push(next.value.kind.value);
  }
}

/** Where several models shared an utterance, the one that the tier wants least is named. */
function leastOf(served: readonly ServedBy[]): ServedBy | undefined {
  const rank = ['primary', 'shadow', 'fallback'];
  return served.toSorted((one, other) => rank.indexOf(other.role) - rank.indexOf(one.role))[0];
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(MeshError.from(signal.reason));
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
