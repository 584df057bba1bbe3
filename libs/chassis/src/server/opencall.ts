import type { Context } from '@opentelemetry/api';
import { MeshError } from '@smartlite/contracts';
import type { Clock, Ids } from '../clock.ts';
import type { MethodDefinition } from '../service.ts';
import type { Passport } from '../wire/metadata.ts';
import type { Incoming, MethodFacts } from './handle.ts';

/** A unary call that names no deadline gets this one: nobody waits longer for a single answer. */
const UNARY_DEADLINE_MS = 30_000;

export interface Opening {
  readonly method: MethodFacts;
  readonly request: unknown;
  readonly passport: Passport;
  /** Unix milliseconds; Infinity where the caller set none. */
  readonly deadlineUnixMs: number;
  readonly parent: Context;
}

/** Makes the call that the layers carry. Its signal ends by `end`, by whoever calls it first. */
export function openCall(
  { method, request, passport, deadlineUnixMs, parent }: Opening,
  { clock, ids }: { clock: Clock; ids: Ids },
): Incoming {
  const ending = new AbortController();
  const trailers = new Map<string, string>();
  return {
    method,
    request,
    parent,
    trailers,
    idempotencyKey: passport.idempotencyKey,
    end: (reason) => {
      if (!ending.signal.aborted) ending.abort(MeshError.from(reason));
    },
    call: {
      signal: ending.signal,
      deadlineUnixMs: deadlineUnixMs === Number.POSITIVE_INFINITY ? defaultDeadline(method.definition, clock) : deadlineUnixMs,
      requestId: passport.requestId || ids.uuid(),
      // Filled in by the layers that know them.
      traceId: '',
      statusOrder: '',
      caller: passport.caller,
      trailer: (name, value) => void trailers.set(name, value),
    },
  };
}

function defaultDeadline({ requestStream, responseStream }: MethodDefinition, clock: Clock): number {
  return requestStream || responseStream ? Number.POSITIVE_INFINITY : clock.nowMs() + UNARY_DEADLINE_MS;
}
