import { propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { MeshError } from '@smartlite/contracts';
import type { Caller } from '../caller.ts';
import type { Call, MethodDefinition, SafeModeRule } from '../service.ts';
import { layered } from './handle.ts';
import { type LayerParts, standardLayers } from './layers.ts';
import { openCall } from './opencall.ts';

/** Work that comes in by another way than gRPC, for example HTTP. */
export interface DoorEntry {
  /** What is called, for traces, metrics and the audit trail: constant for each kind of work. */
  readonly name: string;
  readonly inSafeMode: SafeModeRule;
  readonly caller: Caller;
  readonly requestId: string;
  /** W3C trace context that came along: `traceparent`, `tracestate`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends when the caller leaves. */
  readonly signal: AbortSignal;
}

/** Runs work behind the same layers, in the same order, as a gRPC call: refusals, the cut in mid-answer and the trace are the same. */
export type Door = <T>(entry: DoorEntry, handle: (call: Call) => AsyncIterable<T>) => AsyncIterable<T>;

export function createDoor(parts: LayerParts): Door {
  const layers = standardLayers(parts);
  return <T>(entry: DoorEntry, handle: (call: Call) => AsyncIterable<T>) => {
    const { name, inSafeMode, caller, requestId, headers, timeoutMs, signal } = entry;
    const incoming = openCall(
      {
        method: { name, inSafeMode, definition: STREAMING },
        request: undefined,
        passport: { caller, requestId, idempotencyKey: undefined },
        deadlineUnixMs: parts.clock.nowMs() + timeoutMs,
        parent: propagation.extract(ROOT_CONTEXT, headers),
      },
      parts,
    );
    const leave = () => incoming.end(new MeshError('cancelled', 'the caller has left'));
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    return layered(layers, ({ call }) => handle(call))(incoming) as AsyncIterable<T>;
  };
}

/** To the layers, work behind a door is a call that answers with a stream. */
const STREAMING: MethodDefinition = {
  path: '',
  requestStream: false,
  responseStream: true,
  requestSerialize: () => Buffer.alloc(0),
  requestDeserialize: () => undefined,
  responseSerialize: () => Buffer.alloc(0),
  responseDeserialize: () => undefined,
};
