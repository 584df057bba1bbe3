import { MeshError } from '@smartlite/contracts';
import type { Implementation, MethodDefinition } from '../service.ts';
import { type Handle, type Incoming, type Layer, layered, type MethodFacts } from './handle.ts';

/** One method, ready to be called by gRPC or by a test. */
export interface Route {
  readonly facts: MethodFacts;
  readonly handle: Handle;
}

/** Routes of an implementation by the method's key in its definition. All share the same layers. */
export function routes({ definition, methods }: Implementation, layers: readonly Layer[]): ReadonlyMap<string, Route> {
  return new Map(
    Object.entries(definition).map(([key, method]) => {
      const implementation = methods[key];
      if (!implementation) throw new MeshError('internal', `the method ${method.path} has no implementation`);
      const facts = { name: method.path.slice(1), inSafeMode: implementation.inSafeMode, definition: method };
      return [key, { facts, handle: layered(layers, innermost(method, implementation.handle as AnyHandler)) }];
    }),
  );
}

type AnyHandler = (request: unknown, call: Incoming['call']) => unknown;

/** The handler itself, at the bottom of the layers. */
function innermost({ requestStream, responseStream }: MethodDefinition, handle: AnyHandler): Handle {
  if (requestStream || responseStream) return ({ request, call }) => handle(request, call) as AsyncIterable<unknown>;
  return async function* unary({ request, call }) {
    yield await handle(request, call);
  };
}
