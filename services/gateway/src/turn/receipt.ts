import type { Call } from '@smartlite/chassis';
import { type MeshError, type ServedBy, type TurnDone } from '@smartlite/contracts';
import type { AnswerStage } from '@smartlite/trust';
import type { Ports } from '../engine.ts';
import type { Meter } from './meter.ts';
import type { Progress } from './progress.ts';
import type { Statement } from './statement.ts';

/** HTTP header or trailer, and gRPC trailer, of an answer. */
export const RECEIPT_HEADER = 'x-smartlite-receipt';
export const SALT_HEADER = 'x-smartlite-receipt-salt';

type Facts = Parameters<Ports['trail']['record']>[1];

/** An answer's audit entry, its receipt, and the salt of the digests in both: for the caller alone. */
export interface Given {
  readonly id: string;
  readonly receipt: string;
  readonly salt: string;
}

/** What the caller gets at a turn's end. */
export function doneMessage(progress: Progress, meter: Meter, { traceId }: Call, { id, receipt, salt }: Given): TurnDone {
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
    auditId: id,
    timers: progress.timers,
    finishReason: progress.finish,
    receipt,
    receiptSalt: salt,
  };
}

/** Writes an answered turn's audit entry and makes its receipt. */
export function attestTurn(ports: Ports, progress: Progress, meter: Meter, call: Call, statement: Statement): Given {
  const { asr, llm, tts, transcript, answer, finish } = progress;
  statement.output('transcript', transcript);
  statement.output('answer', answer.trim());
  return attest(ports, call, 'turn.answered', { ...turnFacts(progress, meter), finish }, statement, { asr, llm, tts });
}

/** Writes the audit entry of a turn without an answer. */
export function recordFailure(ports: Ports, progress: Progress, meter: Meter, call: Call, { code }: MeshError): void {
  const { asr, llm, tts } = progress;
  const facts = { ...servedFacts({ asr, llm, tts }), ...turnFacts(progress, meter), allowed_regions: call.caller.regions, code };
  ports.trail.record('turn.failed', facts, { traceId: call.traceId, actor: actorOf(call) });
}

/** Digests of models, counts and times; never a word that was said. */
function turnFacts({ transcript, answer }: Progress, meter: Meter): Facts {
  return { ...countFacts(meter), transcript_characters: transcript.length, answer_characters: answer.length };
}

/** Writes an answer's audit entry, signs its receipt, and sends both receipt and salt along with the answer's end. */
export function attest(
  ports: Ports,
  call: Call,
  kind: 'turn.answered' | 'call.served',
  facts: Facts,
  statement: Statement,
  stages: Readonly<Record<string, ServedBy | undefined>>,
): Given {
  const said = statement.close();
  const whole = { ...servedFacts(stages), ...facts, allowed_regions: call.caller.regions, ...said.facts };
  const options = { traceId: call.traceId, actor: actorOf(call) };
  const { id, receipt } = ports.trail.attest(kind, whole, { ...said.digests, stages: stagesOf(stages) }, options);
  call.trailer?.(RECEIPT_HEADER, receipt);
  call.trailer?.(SALT_HEADER, statement.salt);
  return { id, receipt, salt: statement.salt };
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
            [`${stage}_region`, by.region],
            [`${stage}_artifacts`, by.artifactDigests],
            [`${stage}_lock`, by.lockDigest],
            [`${stage}_order`, by.statusOrder],
            [`${stage}_tier`, by.tier],
            [`${stage}_role`, by.role],
            [`${stage}_because`, by.because],
          ]
        : [],
    ),
  ) as Facts;
}

function stagesOf(stages: Readonly<Record<string, ServedBy | undefined>>): AnswerStage[] {
  return Object.entries(stages).flatMap(([stage, by]) => {
    if (!by) return [];
    const { model, tier, role, because, artifactDigests: artifacts, lockDigest: lock, statusOrder: order } = by;
    return [{ stage, model, tier, role, because, artifacts, lock, order }];
  });
}

export function actorOf({ caller }: Call): string {
  return `${caller.tenant}/${caller.user}`;
}
