import type { Context } from '@opentelemetry/api';
import type { Call, MethodDefinition, SafeModeRule } from '../service.ts';

/** What the layers know of a method. */
export interface MethodFacts {
  /** `smartlite.v1.LlmService/Generate`. */
  readonly name: string;
  readonly inSafeMode: SafeModeRule;
  readonly definition: MethodDefinition;
}

/** A call on its way to its handler. */
export interface Incoming {
  readonly method: MethodFacts;
  /** One message, or an AsyncIterable of them where the method takes a stream. */
  readonly request: unknown;
  readonly call: Call;
  readonly idempotencyKey: string | undefined;
  /** Trace context that came with the call. */
  readonly parent: Context;
  /** What goes along with the end of the answer. */
  readonly trailers: ReadonlyMap<string, string>;
  /** Ends the call's signal, with the failure that the caller is to see. */
  readonly end: (reason: Error) => void;
}

/** Every method in one form: a unary one gives exactly one answer. */
export type Handle = (incoming: Incoming) => AsyncIterable<unknown>;
export type Layer = (next: Handle) => Handle;

/** The outermost layer comes first. */
export function layered(layers: readonly Layer[], handle: Handle): Handle {
  return layers.reduceRight((next, layer) => layer(next), handle);
}
