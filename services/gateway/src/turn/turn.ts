import type { Call } from '@smartlite/chassis';
import { MeshError, type TurnResponse, type TurnSettings } from '@smartlite/contracts';
import type { Ports } from '../engine.ts';
import { tellLimits } from '../left.ts';
import { ASR_FIRST_MS, listen } from './listen.ts';
import { settleFailed } from './charge.ts';
import { Meter } from './meter.ts';
import { Progress } from './progress.ts';
import { attestTurn, doneMessage, recordFailure } from './receipt.ts';
import { BUDGET_ENDED, reply } from './reply.ts';
import { Said } from './said.ts';
import type { Statement } from './statement.ts';

/** Tokens held from the start, about those of a short answer: whoever has none left is told so before he speaks. */
const LLM_TOKENS_FIRST = 32;

/** A turn of a session. */
export interface InSession {
  /** Resolves when the caller wants the answer, with what it is to be answered by: the session may have learned meanwhile. */
  readonly readyToReply?: () => Promise<TurnSettings>;
  /** Takes what is said aloud, for a caller who may not hear all of it. */
  readonly said?: Said;
}

/**
 * One exchange, from the first sound heard to the last sound spoken. Partial transcripts while `audio` (16 kHz mono s16le) arrives;
 * then the transcript, the answer token by token, and its speech sentence by sentence. Ends with `done`. Whoever stops reading
 * cancels everything down to the engines; every ending is settled with what was used, and leaves an audit entry.
 * `statement` has taken the request's digests and takes the answer's.
 */
export async function* takeTurn(
  ports: Ports,
  settings: TurnSettings,
  audio: AsyncIterable<Uint8Array>,
  statement: Statement,
  call: Call,
  { readyToReply = async () => settings, said = new Said() }: InSession = {},
): AsyncIterable<TurnResponse> {
  // Before anything is held: whoever names a voice or a tier that is not there would else be told so after he has spoken.
  await ports.voiceFor({ model: '', voice: settings.voice });
  await ports.tiers.requireAnswer(settings.tier);
  const meter = await openMeter(ports, call);
  tellLimits(meter, call, ports.clock.nowMs());
  const leaving = new AbortController();
  const progress = new Progress(() => ports.clock.monotonicMs(), settings.timers);
  const pace = ports.pace.turn();
  const scene = { ports, call, settings, meter, progress, said, pace, signal: AbortSignal.any([call.signal, leaving.signal]) };
  let ending: 'answered' | MeshError = new MeshError('cancelled', 'the caller has left');
  let told = false;
  try {
    for await (const response of listen(scene, audio)) {
      told = true;
      yield response;
    }
    pace.hold();
    const asked = await unlessEnded(readyToReply(), scene.signal);
    pace.goOn();
    progress.timers = asked.timers;
    yield* spoken(reply({ ...scene, settings: asked }), statement);
    ending = 'answered';
    // An answer that was given is not taken back because its books wait: the ledger closes them at what was covered.
    await settling(ports, meter.settle());
    const given = attestTurn(ports, progress, meter, call, statement);
    yield { kind: { $case: 'done', value: doneMessage(progress, meter, call, given) } };
  } catch (caught) {
    ending = MeshError.from(call.signal.aborted ? call.signal.reason : caught);
    throw caught;
  } finally {
    leaving.abort(new MeshError('cancelled', 'the turn has ended'));
    pace.end(ending === 'answered' || ending.code === 'deadline-exceeded');
    if (ending !== 'answered') {
      await settling(ports, settleFailed(meter, ending, told, call));
      recordFailure(ports, progress, meter, call, ending);
    }
  }
}

function settling({ log }: Ports, settled: Promise<void>): Promise<void> {
  return settled.catch((caught: unknown) => log.error('a turn was not settled', { code: MeshError.from(caught).code }));
}

function unlessEnded<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

function openMeter(ports: Ports, { caller: { tenant, user } }: Call): Promise<Meter> {
  return Meter.open(
    ports.ledger,
    { key: ports.newId(), tenant, user, lifeMs: ports.reservationMs, clock: ports.clock },
    { asrMs: ASR_FIRST_MS, llmTokens: LLM_TOKENS_FIRST, ttsCharacters: BUDGET_ENDED.length },
    { asrMs: ASR_FIRST_MS },
  );
}

/** The sound of an answer, as it leaves: part of what its receipt is about. */
async function* spoken(responses: AsyncIterable<TurnResponse>, statement: Statement): AsyncIterable<TurnResponse> {
  for await (const response of responses) {
    if (response.kind?.$case === 'audio') statement.output('audio', response.kind.value.pcm);
    yield response;
  }
}
