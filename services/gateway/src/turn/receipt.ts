import type { Call } from '@smartlite/chassis';
import { type MeshError, type ServedBy, type TurnDone } from '@smartlite/contracts';
import type { Ports } from '../engine.ts';
import type { Meter } from './meter.ts';
import type { Progress } from './progress.ts';

export type Ending = 'answered' | MeshError;
type Facts = Parameters<Ports['trail']['record']>[1];

/** What the caller gets at a turn's end. */
export function doneMessage(progress: Progress, meter: Meter, { traceId }: Call, auditId: string): TurnDone {
  return {
    transcript: progress.transcript,
    answer: progress.answer.trim(),
    asrServedBy: progress.asr,
    llmServedBy: progress.llm,
    ttsServedBy: progress.tts,
    latency: progress.latency(),
    traceId,
    charge: {
      reservationId: meter.reservation,
      llmTokens: meter.used('llmTokens'),
      asrMs: meter.used('asrMs'),
      ttsCharacters: meter.used('ttsCharacters'),
    },
    auditId,
    timers: progress.timers,
    finishReason: progress.finish,
  };
}

/** Writes a turn's audit entry: digests of models, counts and times; never a word that was said. Returns its id. */
export function recordTurn(ports: Ports, progress: Progress, meter: Meter, call: Call, ending: Ending): string {
  const { asr, llm, tts, transcript, answer, finish } = progress;
  const facts = {
    ...servedFacts({ asr, llm, tts }),
    ...countFacts(meter),
    transcript_characters: transcript.length,
    answer_characters: answer.length,
    ...(ending === 'answered' ? { finish } : { code: ending.code }),
  };
  return ports.trail.record(ending === 'answered' ? 'turn.answered' : 'turn.failed', facts, {
    traceId: call.traceId,
    actor: actorOf(call),
  });
}

export function countFacts(meter: Meter): Facts {
  return {
    reservation: meter.reservation,
    llm_tokens: meter.used('llmTokens'),
    asr_ms: meter.used('asrMs'),
    tts_characters: meter.used('ttsCharacters'),
  };
}

/** Which bytes answered, and under which lock status. */
export function servedFacts(stages: Readonly<Record<string, ServedBy | undefined>>): Facts {
  return Object.fromEntries(
    Object.entries(stages).flatMap(([stage, by]) =>
      by
        ? [
            [`${stage}_model`, by.model],
            [`${stage}_artifacts`, by.artifactDigests],
            [`${stage}_lock`, by.lockDigest],
            [`${stage}_order`, by.statusOrder],
          ]
        : [],
    ),
  ) as Facts;
}

export function actorOf({ caller }: Call): string {
  return `${caller.tenant}/${caller.user}`;
}
