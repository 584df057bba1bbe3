import type { Call } from '@smartlite/chassis';
import {
  type AudioFrame,
  type ChatMessage,
  type Generation,
  MeshError,
  type ServedBy,
  type Timer,
  type TranscribeResponse,
  type TurnDone,
  type TurnResponse,
  type TurnSettings,
} from '@smartlite/contracts';
import type { Ports } from '../engine.ts';
import { Meter } from './meter.ts';
import { Outbox } from './outbox.ts';
import { SentenceCutter } from './sentences.ts';

/** Audio is held for in steps of so much: small enough to free soon, large enough to ask seldom. */
const ASR_STEP_MS = 10_000;
const PCM_BYTES_PER_MS = 32;
/** Responses that wait for a slow client before the engines are held back. */
const OUTBOX_MAX = 64;
/** Sentences between the language model and the voice. */
const SENTENCES_MAX = 4;

export const NOTHING_HEARD = 'I did not hear anything.';
/** Said in place of the rest when the budget ends in mid-answer. Held for from the start, so that it can always be said. */
export const BUDGET_ENDED = 'Your budget is used up, so I have to stop here.';

/** Times of one turn, on the monotonic clock. */
interface Marks {
  audioEnded?: number;
  transcript?: number;
  firstToken?: number;
  firstAudio?: number;
}

/** One exchange, from the first sound heard to the last sound spoken. */
export class Turn {
  readonly #ports: Ports;
  readonly #call: Call;
  readonly #settings: TurnSettings;
  readonly #marks: Marks = {};
  readonly #leaving = new AbortController();
  readonly #signal: AbortSignal;
  #answer = '';
  #asr: ServedBy | undefined;
  #llm: Generation | undefined;
  #tts: ServedBy | undefined;
  #transcript = '';
  #timers: Timer[];
  #finish = 'stop';

  constructor(ports: Ports, settings: TurnSettings, call: Call) {
    this.#ports = ports;
    this.#settings = settings;
    this.#call = call;
    this.#signal = AbortSignal.any([call.signal, this.#leaving.signal]);
    this.#timers = settings.timers;
  }

  /**
   * Partial transcripts while `audio` (16 kHz mono s16le) arrives; then the transcript, the answer token by token, and its speech
   * sentence by sentence. Ends with `done`. Whoever stops reading cancels everything down to the engines; what was used is settled
   * in every ending.
   */
  async *run(audio: AsyncIterable<Uint8Array>): AsyncIterable<TurnResponse> {
    const { caller } = this.#call;
    const request = {
      key: this.#ports.newId(),
      tenant: caller.tenant,
      user: caller.user,
      nowMs: () => this.#ports.clock.nowMs(),
    };
    const meter = await Meter.open(this.#ports.ledger, request, {
      requests: 1,
      asrMs: ASR_STEP_MS,
      ttsCharacters: BUDGET_ENDED.length,
    });
    let ending: 'answered' | MeshError = new MeshError('cancelled', 'the caller has left');
    try {
      meter.used.requests = 1;
      yield* this.#listen(audio, meter);
      yield* this.#reply(meter);
      await meter.settle();
      const auditId = this.#record(meter, 'answered');
      ending = 'answered';
      yield { kind: { $case: 'done', value: this.#done(meter, auditId) } };
    } catch (caught) {
      ending = MeshError.from(caught);
      throw ending;
    } finally {
      this.#leaving.abort(new MeshError('cancelled', 'the turn has ended'));
      await meter
        .settle()
        .catch((caught: unknown) => this.#ports.log.error('a turn was not settled', { code: MeshError.from(caught).code }));
      if (ending !== 'answered') this.#record(meter, ending);
    }
  }

  async *#listen(audio: AsyncIterable<Uint8Array>, meter: Meter): AsyncIterable<TurnResponse> {
    const { asrTier: tier, endAtPause } = this.#settings;
    const requests = this.#hear(audio, meter, { tier, partials: true, endAtPause });
    let final: TranscribeResponse | undefined;
    for await (const { kind } of this.#ports.asr.streamTranscribe(requests, { call: this.#call, signal: this.#signal })) {
      if (kind?.$case === 'partial') yield { kind };
      if (kind?.$case === 'final') final = kind.value;
    }
    if (!final) throw new MeshError('unavailable', 'the recogniser ended without a transcript');
    this.#marks.transcript = this.#now();
    this.#marks.audioEnded ??= this.#now();
    this.#asr = final.servedBy;
    this.#transcript = final.transcript?.text.trim() ?? '';
    if (final.transcript) yield { kind: { $case: 'transcript', value: final.transcript } };
  }

  async *#hear(
    audio: AsyncIterable<Uint8Array>,
    meter: Meter,
    settings: { tier: string; partials: boolean; endAtPause: boolean },
  ) {
    yield { kind: { $case: 'settings' as const, value: settings } };
    for await (const pcm of audio) {
      await meter.cover('asrMs', pcm.byteLength / PCM_BYTES_PER_MS, ASR_STEP_MS);
      yield { kind: { $case: 'pcm' as const, value: Buffer.from(pcm) } };
    }
    this.#marks.audioEnded = this.#now();
  }

  async *#reply(meter: Meter): AsyncIterable<TurnResponse> {
    const outbox = new Outbox<TurnResponse>(OUTBOX_MAX);
    const sentences = new Outbox<string>(SENTENCES_MAX);
    const think = this.#transcript === '' ? this.#say(NOTHING_HEARD, outbox, sentences) : this.#think(meter, outbox, sentences);
    const fail = (caught: unknown) => {
      outbox.fail(caught);
      sentences.fail(caught);
    };
    const thinking = think.then(() => sentences.end(), fail);
    const speaking = this.#speak(sentences, meter, outbox).then(() => outbox.end(), fail);
    yield* outbox.read(this.#signal);
    await Promise.all([thinking, speaking]);
  }

  async #think(meter: Meter, outbox: Outbox<TurnResponse>, sentences: Outbox<string>): Promise<void> {
    const { tier, history, timeZone } = this.#settings;
    const messages: ChatMessage[] = [...history, { role: 'user', content: this.#transcript }];
    const options = { call: this.#call, signal: this.#signal };
    const size = await this.#ports.llm.countTokens({ messages, tier }, options);
    const tokensMax = size.promptTokens + size.answerTokensMax;
    await meter.cover('llmTokens', tokensMax);
    const lastAnswer = history.findLast(({ role }) => role === 'assistant')?.content ?? '';
    const facts = { timers: this.#timers, timeZone, lastAnswer, llmTokensLeft: undefined };
    const cutter = new SentenceCutter();
    let streamed = 0;
    try {
      const request = { messages, tier, maxTokens: size.answerTokensMax, temperature: 0, seed: 0n, facts };
      for await (const { kind } of this.#ports.llm.generate(request, options)) {
        if (kind?.$case === 'done') this.#thought(kind.value);
        if (kind?.$case !== 'chunk') continue;
        streamed += kind.value.tokens;
        await this.#tell(kind.value.text, outbox);
        for (const sentence of cutter.push(kind.value.text)) await sentences.put(sentence, this.#signal);
      }
      for (const sentence of cutter.end()) await sentences.put(sentence, this.#signal);
    } finally {
      meter.unused('llmTokens', tokensMax - (this.#llm?.promptTokens ?? size.promptTokens) - streamed);
    }
  }

  #thought(generation: Generation): void {
    this.#llm = generation;
    this.#timers = generation.timers;
    this.#finish = generation.finishReason;
  }

  async #say(text: string, outbox: Outbox<TurnResponse>, sentences: Outbox<string>): Promise<void> {
    await this.#tell(text, outbox);
    await sentences.put(text, this.#signal);
  }

  async #tell(text: string, outbox: Outbox<TurnResponse>): Promise<void> {
    if (text === '') return;
    this.#marks.firstToken ??= this.#now();
    this.#answer += text;
    await outbox.put({ kind: { $case: 'answerDelta', value: text } }, this.#signal);
  }

  async #speak(sentences: Outbox<string>, meter: Meter, outbox: Outbox<TurnResponse>): Promise<void> {
    for await (const sentence of sentences.read(this.#signal)) {
      const text = sentence.trim();
      try {
        // What the closing sentence would need stays held.
        await meter.cover('ttsCharacters', text.length + BUDGET_ENDED.length);
        meter.unused('ttsCharacters', BUDGET_ENDED.length);
      } catch (caught) {
        if (MeshError.from(caught).code !== 'over-budget' || this.#marks.firstAudio === undefined) throw caught;
        this.#finish = 'budget';
        meter.used.ttsCharacters += BUDGET_ENDED.length;
        await this.#tell(` ${BUDGET_ENDED}`, outbox);
        return this.#voice(BUDGET_ENDED, outbox);
      }
      await this.#voice(text, outbox);
    }
  }

  async #voice(text: string, outbox: Outbox<TurnResponse>): Promise<void> {
    const { voice } = this.#settings;
    for await (const { kind } of this.#ports.tts.synthesize(
      { text, voice, rate: 0 },
      { call: this.#call, signal: this.#signal },
    )) {
      if (kind?.$case === 'done') this.#tts = kind.value.servedBy;
      if (kind?.$case === 'frame') await this.#sound(kind.value, outbox);
    }
  }

  async #sound(frame: AudioFrame, outbox: Outbox<TurnResponse>): Promise<void> {
    this.#marks.firstAudio ??= this.#now();
    await outbox.put({ kind: { $case: 'audio', value: frame } }, this.#signal);
  }

  #done(meter: Meter, auditId: string): TurnDone {
    const since = (mark: number | undefined) => (mark === undefined ? 0 : Math.max(0, mark - (this.#marks.audioEnded ?? mark)));
    const { firstToken, firstAudio, transcript } = this.#marks;
    return {
      transcript: this.#transcript,
      answer: this.#answer.trim(),
      asrServedBy: this.#asr,
      llmServedBy: this.#llm?.servedBy,
      ttsServedBy: this.#tts,
      latency: {
        finalTranscriptMs: since(transcript),
        firstTokenMs: since(firstToken),
        firstAudioMs: since(firstAudio),
        doneMs: since(this.#now()),
      },
      traceId: this.#call.traceId,
      charge: {
        reservationId: meter.reservation,
        llmTokens: meter.used.llmTokens,
        asrMs: Math.ceil(meter.used.asrMs),
        ttsCharacters: meter.used.ttsCharacters,
      },
      auditId,
      timers: this.#timers,
      finishReason: this.#finish,
    };
  }

  /** Digests of models, counts and times; never a word that was said. */
  #record(meter: Meter, ending: 'answered' | MeshError): string {
    const models = { asr: this.#asr, llm: this.#llm?.servedBy, tts: this.#tts };
    const served = Object.fromEntries(
      Object.entries(models).flatMap(([stage, by]) =>
        by
          ? [
              [`${stage}_model`, by.model],
              [`${stage}_artifacts`, by.artifactDigests],
              [`${stage}_lock`, by.lockDigest],
              [`${stage}_order`, by.statusOrder],
            ]
          : [],
      ),
    ) as Record<string, string | readonly string[]>;
    const counts = {
      transcript_characters: this.#transcript.length,
      answer_characters: this.#answer.length,
      llm_tokens: meter.used.llmTokens,
      asr_ms: Math.ceil(meter.used.asrMs),
      tts_characters: meter.used.ttsCharacters,
    };
    const facts = {
      ...served,
      ...counts,
      reservation: meter.reservation,
      ...(ending === 'answered' ? { finish: this.#finish } : { code: ending.code }),
    };
    const { caller, traceId } = this.#call;
    return this.#ports.trail.record(ending === 'answered' ? 'turn.answered' : 'turn.failed', facts, {
      traceId,
      actor: `${caller.tenant}/${caller.user}`,
    });
  }

  #now(): number {
    return this.#ports.clock.monotonicMs();
  }
}
