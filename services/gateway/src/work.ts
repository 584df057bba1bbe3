import type { Call } from '@smartlite/chassis';
import {
  type AudioFrame,
  type ChatMessage,
  type Generation,
  MeshError,
  type SessionFacts,
  type TranscribeResponse,
} from '@smartlite/contracts';
import type { Ports } from './engine.ts';
import { Meter, type MeterRequest } from './turn/meter.ts';
import { SentenceCutter } from './turn/sentences.ts';

// The single stages of a turn, metered, for the doors that offer them one by one.

const ASR_STEP_MS = 10_000;
const PCM_BYTES_PER_MS = 32;
const NO_SESSION: SessionFacts = { timers: [], timeZone: '', lastAnswer: '', llmTokensLeft: undefined };

/** The transcript of an utterance, whole. */
export async function* transcribe(
  ports: Ports,
  audio: AsyncIterable<Uint8Array>,
  tier: string,
  call: Call,
): AsyncIterable<TranscribeResponse> {
  const meter = await openMeter(ports, call, { asrMs: ASR_STEP_MS });
  const hear = async function* () {
    yield { kind: { $case: 'settings' as const, value: { tier, partials: false, endAtPause: false } } };
    for await (const pcm of audio) {
      await meter.cover('asrMs', pcm.byteLength / PCM_BYTES_PER_MS, ASR_STEP_MS);
      yield { kind: { $case: 'pcm' as const, value: Buffer.from(pcm) } };
    }
  };
  try {
    for await (const { kind } of ports.asr.streamTranscribe(hear(), { call })) if (kind?.$case === 'final') yield kind.value;
  } finally {
    await meter.settle();
  }
}

/** Speech for a text, sentence by sentence. */
export async function* speak(ports: Ports, text: string, voice: string, rate: number, call: Call): AsyncIterable<AudioFrame> {
  const cutter = new SentenceCutter();
  const sentences = [...cutter.push(text), ...cutter.end()].map((sentence) => sentence.trim());
  if (sentences.length === 0) throw new MeshError('invalid-argument', 'input: there is nothing to speak');
  const meter = await openMeter(ports, call, { ttsCharacters: text.length });
  try {
    for (const sentence of sentences) {
      await meter.cover('ttsCharacters', sentence.length);
      for await (const { kind } of ports.tts.synthesize({ text: sentence, voice, rate }, { call }))
        if (kind?.$case === 'frame') yield kind.value;
    }
  } finally {
    await meter.settle();
  }
}

export type ChatPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'done'; readonly generation: Generation };

export interface ChatRequest {
  readonly messages: ChatMessage[];
  readonly tier: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: bigint;
}

/** An answer to a conversation, token by token. */
export async function* chat(ports: Ports, request: ChatRequest, call: Call): AsyncIterable<ChatPiece> {
  const { messages, tier } = request;
  const size = await ports.llm.countTokens({ messages, tier }, { call });
  const answerMax = Math.min(request.maxTokens || size.answerTokensMax, size.answerTokensMax);
  const meter = await openMeter(ports, call, { llmTokens: size.promptTokens + answerMax });
  let streamed = 0;
  try {
    await meter.cover('llmTokens', size.promptTokens + answerMax);
    const lastAnswer = messages.findLast(({ role }) => role === 'assistant')?.content ?? '';
    for await (const { kind } of ports.llm.generate(
      { ...request, maxTokens: answerMax, facts: { ...NO_SESSION, lastAnswer } },
      { call },
    )) {
      if (kind?.$case === 'chunk') {
        streamed += kind.value.tokens;
        yield { kind: 'text', text: kind.value.text };
      }
      if (kind?.$case === 'done') yield { kind: 'done', generation: kind.value };
    }
  } finally {
    meter.unused('llmTokens', answerMax - streamed);
    await meter.settle();
  }
}

async function openMeter(ports: Ports, { caller }: Call, first: Parameters<typeof Meter.open>[2]): Promise<Meter> {
  const request: MeterRequest = {
    key: ports.newId(),
    tenant: caller.tenant,
    user: caller.user,
    nowMs: () => ports.clock.nowMs(),
  };
  const meter = await Meter.open(ports.ledger, request, { requests: 1, ...first });
  meter.used.requests = 1;
  return meter;
}
