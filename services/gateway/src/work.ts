import type { Call } from '@smartlite/chassis';
import {
  type AudioFrame,
  type ChatMessage,
  type Generation,
  MeshError,
  type ServedBy,
  type SaidFrom,
  type SessionFacts,
  type TranscribeResponse,
} from '@smartlite/contracts';
import { atOneRate } from './audio/onerate.ts';
import type { Ports } from './engine.ts';
import { tellLimits } from './left.ts';
import { servedIn } from './tiers.ts';
import { ASR_FIRST_MS, PCM_BYTES_PER_MS } from './turn/listen.ts';
import type { Counts } from './turn/counts.ts';
import { canBeClosed, CUT, CUT_SHORT, CutShort } from './turn/cutshort.ts';
import { settleFailed } from './turn/charge.ts';
import { Meter } from './turn/meter.ts';
import { actorOf, attest, countFacts, type Given, servedFacts } from './turn/receipt.ts';
import type { Statement } from './turn/statement.ts';
import { SentenceCutter } from './turn/sentences.ts';
import { sized } from './turn/sized.ts';
import { FIRST_TOKENS_COVERED } from './turn/think.ts';
import { spoken } from './turn/voice.ts';
import { upToStop } from './uptostop.ts';

// The single stages of a turn, metered and recorded, for the doors that offer them one by one.

const NO_SESSION: SessionFacts = { timers: [], timeZone: '', lastAnswer: '', llmTokensLeft: undefined };

/** The transcript of an utterance, whole. */
export async function* transcribe(
  ports: Ports,
  audio: AsyncIterable<Uint8Array>,
  asked: { readonly tier: string; readonly latencyMs: number },
  statement: Statement,
  call: Call,
): AsyncIterable<TranscribeResponse> {
  const chosen = await ports.tiers.recognition(asked.tier, asked.latencyMs);
  yield* metered(ports, call, statement, { asrMs: ASR_FIRST_MS }, { asrMs: ASR_FIRST_MS }, async function* (stage) {
    const hear = async function* () {
      yield { kind: { $case: 'settings' as const, value: { tier: chosen.tier, partials: false, endAtPause: false } } };
      for await (const pcm of audio) {
        const ms = pcm.byteLength / PCM_BYTES_PER_MS;
        await stage.meter.spend('asrMs', ms);
        yield { kind: { $case: 'pcm' as const, value: Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength) } };
      }
    };
    for await (const { kind } of ports.asr.streamTranscribe(hear(), { call, signal: stage.signal })) {
      if (kind?.$case !== 'final') continue;
      const servedBy = servedIn(chosen, kind.value.servedBy);
      stage.served = { asr: servedBy };
      statement.output('transcript', kind.value.transcript?.text ?? '');
      yield { ...kind.value, servedBy };
    }
  });
}

/** Speech for a text, sentence by sentence. */
export async function* speak(
  ports: Ports,
  { text, voice, rate }: { readonly text: string; readonly voice: string; readonly rate: number },
  statement: Statement,
  call: Call,
): AsyncIterable<AudioFrame> {
  const cutter = new SentenceCutter();
  const sentences = [...cutter.push(text), ...cutter.end()].map((sentence) => sentence.trim());
  if (sentences.length === 0) throw new MeshError('invalid-argument', 'input: there is nothing to speak');
  statement.request('input', text);
  yield* metered(
    ports,
    call,
    statement,
    { ttsCharacters: text.length },
    { ttsCharacters: sentences[0]?.length ?? 0 },
    async function* (stage) {
      for await (const frame of atOneRate(spokenBy(ports, sentences, { voice, rate }, stage, call))) {
        statement.output('audio', frame.pcm);
        yield frame;
      }
    },
  );
}

async function* spokenBy(
  { tts }: Ports,
  sentences: readonly string[],
  how: { readonly voice: string; readonly rate: number },
  stage: Stage,
  call: Call,
): AsyncIterable<AudioFrame> {
  for (const text of sentences) {
    await stage.meter.spend('ttsCharacters', text.length);
    yield* spoken({ tts, call, signal: stage.signal, ...how, served: (by) => (stage.served = { tts: by }) }, text);
  }
}

export type ChatPiece =
  | { readonly kind: 'text'; readonly text: string; readonly tokens: number }
  | { readonly kind: 'done'; readonly generation: Generation; readonly given: Given };
type ChatText = Extract<ChatPiece, { kind: 'text' }>;

export interface ChatRequest {
  readonly messages: ChatMessage[];
  readonly tier: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: bigint;
  readonly saidFrom: SaidFrom;
  /** Before the first of these the answer ends. */
  readonly stops: readonly string[];
}

/** An answer to a conversation, token by token. */
export async function* chat(ports: Ports, request: ChatRequest, statement: Statement, call: Call): AsyncIterable<ChatPiece> {
  const { stops, ...wanted } = request;
  const { messages } = wanted;
  const { chosen, size, tokensLeft } = await sized(ports, request, call);
  const maxTokens = Math.min(request.maxTokens || size.answerTokensMax, size.answerTokensMax);
  const lastAnswer = messages.findLast(({ role }) => role === 'assistant')?.content ?? '';
  const asked = {
    ...wanted,
    tier: chosen.tier,
    maxTokens,
    facts: { ...NO_SESSION, lastAnswer, llmTokensLeft: tokensLeft },
  };
  const { promptTokens } = size;
  const covering = promptTokens + Math.min(maxTokens, FIRST_TOKENS_COVERED);
  let answer = '';
  let generation: Generation | undefined;
  const first = { llmTokens: promptTokens + maxTokens };
  const given = yield* metered(ports, call, statement, first, { llmTokens: covering }, async function* (stage) {
    await stage.meter.spend('llmTokens', promptTokens);
    const texts = async function* (): AsyncGenerator<ChatText, Generation | undefined> {
      let done: Generation | undefined;
      for await (const { kind } of ports.llm.generate(asked, { call, signal: stage.signal })) {
        if (kind?.$case === 'chunk') {
          await stage.meter.spend('llmTokens', kind.value.tokens);
          yield { kind: 'text', text: kind.value.text, tokens: kind.value.tokens };
        }
        if (kind?.$case !== 'done') continue;
        const servedBy = servedIn(chosen, kind.value.servedBy);
        stage.served = { llm: servedBy };
        if (kind.value.finishReason === CUT) throw new CutShort();
        done = { ...kind.value, servedBy };
      }
      return done;
    };
    const { end, stopped } = yield* upToStop(closedInWords(stage, promptTokens, texts()), stops, (text) => (answer += text));
    generation = end && { ...end, ...(stopped && { finishReason: 'stop' }) };
    statement.output('answer', answer.trim());
  });
  if (generation) yield { kind: 'done', generation, given };
}

/** An answer whose model fails after it has begun ends in words, and says that it was cut; before that it fails. */
async function* closedInWords(
  stage: Stage,
  promptTokens: number,
  texts: AsyncGenerator<ChatText, Generation | undefined>,
): AsyncGenerator<ChatText, Generation | undefined> {
  let answerTokens = 0;
  let begun = false;
  try {
    for (;;) {
      const next = await texts.next();
      if (next.done === true) return next.value;
      answerTokens += next.value.tokens;
      begun ||= next.value.text !== '';
      yield next.value;
    }
  } catch (caught) {
    if (!begun || !canBeClosed(caught, stage.signal)) throw caught;
    const text = ` … ${CUT_SHORT}`;
    yield { kind: 'text', text, tokens: 0 };
    return { promptTokens, answerTokens, finishReason: CUT, servedBy: stage.served['llm'], tool: '', timers: [] };
  } finally {
    await texts.return(undefined);
  }
}

interface Stage {
  readonly meter: Meter;
  readonly signal: AbortSignal;
  served: Readonly<Record<string, ServedBy | undefined>>;
}

/** Holds before the work, settles after it however it ends, and leaves an audit entry; returns the receipt of what was answered. */
async function* metered<T>(
  ports: Ports,
  call: Call,
  statement: Statement,
  first: Partial<Counts>,
  covering: Partial<Counts>,
  work: (stage: Stage) => AsyncIterable<T>,
): AsyncGenerator<T, Given> {
  const { tenant, user } = call.caller;
  const request = { key: ports.newId(), tenant, user, lifeMs: ports.reservationMs, clock: ports.clock };
  const meter = await Meter.open(ports.ledger, request, first, covering);
  tellLimits(meter, call, ports.clock.nowMs());
  const leaving = new AbortController();
  const stage: Stage = { meter, signal: AbortSignal.any([call.signal, leaving.signal]), served: {} };
  const settling = (settled: Promise<void>) =>
    settled.catch((caught: unknown) => ports.log.error('a call was not settled', { code: MeshError.from(caught).code }));
  let ending: 'ok' | MeshError = new MeshError('cancelled', 'the caller has left');
  let told = false;
  try {
    for await (const piece of work(stage)) {
      told = true;
      yield piece;
    }
    ending = 'ok';
    await settling(meter.settle());
    return attest(ports, call, 'call.served', { ...countFacts(meter), code: ending }, statement, stage.served);
  } catch (caught) {
    ending = MeshError.from(call.signal.aborted ? call.signal.reason : caught);
    throw caught;
  } finally {
    leaving.abort(new MeshError('cancelled', 'the call is over'));
    if (ending !== 'ok') {
      await settling(settleFailed(meter, ending, told, call));
      const { code } = ending;
      const facts = { ...servedFacts(stage.served), ...countFacts(meter), allowed_regions: call.caller.regions, code };
      ports.trail.record('call.served', facts, { traceId: call.traceId, actor: actorOf(call) });
    }
  }
}
