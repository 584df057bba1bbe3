import { createHash } from 'node:crypto';
import { MeshError } from '@smartlite/contracts';
import type { Incoming, Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/** Answers kept at once, and for how long: a caller repeats a call within seconds or not at all. */
const ANSWERS_MAX = 1_024;
const ANSWER_LIFE_MS = 120_000;

interface Kept {
  readonly requestDigest: string;
  readonly keptAtMs: number;
  readonly answer: Promise<unknown>;
}

/**
 * A unary call repeated with its key (`x-smartlite-idempotency-key`) gets the first answer again, and runs once. Failures are not
 * kept: such a call runs anew. The same key with another request is refused as a conflict.
 */
export function idempotency({ clock }: Pick<LayerParts, 'clock'>): Layer {
  const answers = new Map<string, Kept>();
  return (next) =>
    async function* once(incoming) {
      const { definition } = incoming.method;
      if (incoming.idempotencyKey === undefined || definition.requestStream || definition.responseStream) {
        yield* next(incoming);
        return;
      }
      const key = keyOf(incoming);
      const requestDigest = digestOf(incoming);
      const known = answers.get(key);
      if (known && clock.monotonicMs() - known.keptAtMs < ANSWER_LIFE_MS) {
        if (known.requestDigest !== requestDigest)
          throw new MeshError('conflict', 'this idempotency key belongs to another request');
        const earlier = await known.answer.then(
          (value) => ({ value }),
          () => undefined,
        );
        if (earlier) {
          yield earlier.value;
          return;
        }
      }
      const answer = single(next(incoming));
      keep(answers, key, { requestDigest, keptAtMs: clock.monotonicMs(), answer });
      answer.catch(() => {
        if (answers.get(key)?.answer === answer) answers.delete(key);
      });
      yield await answer;
    };
}

function keyOf({ method, call, idempotencyKey }: Incoming): string {
  return JSON.stringify([method.name, call.caller.tenant, call.caller.user, idempotencyKey]);
}

function digestOf({ method, request }: Incoming): string {
  return createHash('sha256')
    .update(method.definition.requestSerialize(request as never))
    .digest('base64');
}

function keep(answers: Map<string, Kept>, key: string, kept: Kept): void {
  answers.delete(key);
  answers.set(key, kept);
  // A map remembers the order of insertion: the first key is the oldest.
  const [oldest] = answers.keys();
  if (answers.size > ANSWERS_MAX && oldest !== undefined) answers.delete(oldest);
}

async function single(answers: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new MeshError('internal', 'the method gave no answer');
}
