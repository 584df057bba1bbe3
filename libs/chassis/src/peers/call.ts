import type { Metadata } from '@grpc/grpc-js';
import { type Context, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type Code, MeshError } from '@smartlite/contracts';
import type { KnownInstance } from '../discovery/directory.ts';
import type { PeerOptions } from '../platform.ts';
import type { MethodDefinition } from '../service.ts';
import { metadataSetter } from '../telemetry/carriers.ts';
import { inContext } from '../telemetry/incontext.ts';
import { meshError } from '../wire/error.ts';
import { NOBODY, writePassport } from '../wire/metadata.ts';
import { attemptCall } from './attempt.ts';
import type { Finder } from './finder.ts';
import { Replay } from './replay.ts';
import { Stopwatch } from './stopwatch.ts';

/** Failures that another instance may not have. */
const ELSEWHERE: ReadonlySet<Code> = new Set<Code>(['unavailable', 'starting', 'overloaded']);
/** Failures that speak against the instance. A deadline does not: the caller sets it, and may set it too short. */
const AT_FAULT: ReadonlySet<Code> = new Set<Code>(['unavailable', 'internal']);
/** Instances asked for one call: if three cannot, the trouble is not theirs alone. */
const ATTEMPTS_MAX = 3;
/** A single answer is not waited for longer, where the caller says nothing. */
const UNARY_TIMEOUT_MS = 30_000;

export interface CallPlan {
  readonly definition: MethodDefinition;
  readonly request: unknown;
  readonly options: PeerOptions;
  readonly finder: Finder;
  readonly nowUnixMs: () => number;
  /** Milliseconds that never step back. */
  readonly nowMs: () => number;
  readonly uuid: () => string;
}

/**
 * Calls a method on the least loaded instance. Where it fails in a way that another may not, and nothing has been received but what
 * is preliminary, the next one is asked. Ends with the signal, the deadline, or the caller leaving the iteration.
 */
export function callPeer(plan: CallPlan): AsyncIterable<unknown> {
  // Taken now: a generator's body runs in the context of whoever reads it.
  return inContext(context.active(), () => attempts(plan));
}

async function* attempts(plan: CallPlan): AsyncGenerator<unknown> {
  const { definition, options } = plan;
  const signal = signalOf(options);
  const deadlineUnixMs = deadlineOf(plan);
  const replay = definition.requestStream ? new Replay(plan.request as AsyncIterable<unknown>) : undefined;
  const avoid = new Set(options.avoid);
  let failure: MeshError | undefined;
  try {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const instance = await plan.finder.find({
        method: definition.path,
        regions: callerOf(options).regions,
        avoid,
        signal,
        deadlineUnixMs,
        failure,
      });
      options.onChosen?.(instance.instance);
      let received = false;
      try {
        for await (const answer of attemptOn(instance, plan, {
          signal,
          deadlineUnixMs,
          request: replay ? replay.read() : plan.request,
        })) {
          if (options.isPreliminary?.(answer) !== true) {
            received = true;
            replay?.seal();
          }
          yield answer;
        }
        return;
      } catch (caught) {
        failure = meshError(caught);
        if (replay?.isBroken === true) throw failure;
        if (AT_FAULT.has(failure.code) && !signal.aborted) plan.finder.failed(instance.instance);
        if (failure.code === 'unavailable') plan.finder.lose(instance.instance);
        if (received || !ELSEWHERE.has(failure.code) || replay?.replayable === false) throw failure;
        avoid.add(instance.instance);
      }
    }
    throw failure ?? new MeshError('unavailable', 'no instance could be asked');
  } finally {
    replay?.close();
  }
}

interface Try {
  readonly signal: AbortSignal;
  readonly deadlineUnixMs: number;
  readonly request: unknown;
}

/** A CLIENT span around one try. */
async function* attemptOn(
  instance: KnownInstance,
  plan: CallPlan,
  { signal, deadlineUnixMs, request }: Try,
): AsyncGenerator<unknown> {
  const { definition, finder } = plan;
  const name = definition.path.slice(1);
  const parent = context.active();
  const attributes = {
    'rpc.system.name': 'grpc',
    'rpc.method': name,
    'server.address': instance.grpc,
    'smartlite.peer': instance.instance,
    'smartlite.peer_region': instance.region,
    'smartlite.allowed_regions': [...callerOf(plan.options).regions],
  };
  const span = trace.getTracer('smartlite').startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
  const active = trace.setSpan(parent, span);
  const done = finder.begin(instance.instance);
  const watch = new Stopwatch(plan.nowMs, (ms) => finder.answered(instance.instance, definition.path, ms));
  try {
    const metadata = passport(plan, active);
    const client = finder.client(instance);
    const sent = definition.requestStream ? watch.startAtEndOf(request as AsyncIterable<unknown>) : watch.start(request);
    const answers = inContext(active, () => attemptCall(sent, { client, definition, metadata, deadlineUnixMs, signal }));
    for await (const answer of answers) {
      watch.stop();
      yield answer;
    }
  } catch (caught) {
    const error = meshError(caught);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.reason });
    span.setAttribute('error.type', error.reason);
    throw error;
  } finally {
    done();
    span.end();
  }
}

function passport({ options, uuid }: CallPlan, active: Context): Metadata {
  const metadata = writePassport({
    caller: callerOf(options),
    requestId: options.call?.requestId ?? uuid(),
    idempotencyKey: undefined,
  });
  propagation.inject(active, metadata, metadataSetter);
  return metadata;
}

function callerOf({ caller, call }: PeerOptions) {
  return caller ?? call?.caller ?? NOBODY;
}

function signalOf({ call, signal }: PeerOptions): AbortSignal {
  if (call && signal) return AbortSignal.any([call.signal, signal]);
  return call?.signal ?? signal ?? NEVER;
}

const NEVER = new AbortController().signal;

function deadlineOf({ definition, options, nowUnixMs }: CallPlan): number {
  const inherited = options.call?.deadlineUnixMs ?? Number.POSITIVE_INFINITY;
  const own = options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : nowUnixMs() + options.timeoutMs;
  const deadline = Math.min(inherited, own);
  const streams = definition.requestStream || definition.responseStream;
  return deadline === Number.POSITIVE_INFINITY && !streams ? nowUnixMs() + UNARY_TIMEOUT_MS : deadline;
}
