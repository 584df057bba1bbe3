import type { EventEmitter } from 'node:events';
import {
  type Deadline,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { context, propagation } from '@opentelemetry/api';
import { MeshError } from '@smartlite/contracts';
import type { Clock, Ids } from '../clock.ts';
import { metadataGetter } from '../telemetry/carriers.ts';
import { wireError } from '../wire/error.ts';
import { readPassport } from '../wire/metadata.ts';
import { unlessAborted } from './ending.ts';
import type { Incoming } from './handle.ts';
import { openCall } from './opencall.ts';
import type { Route } from './router.ts';

export interface CallParts {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told of each call that begins; what it returns is called when the call is over. */
  readonly begun: (incoming: Incoming) => () => void;
}

/** What the three kinds of call have in common. */
type AnyCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getDeadline'> & EventEmitter;

/** Handlers for grpc-js out of routes. */
export function grpcHandlers(routesByKey: ReadonlyMap<string, Route>, parts: CallParts): UntypedServiceImplementation {
  return Object.fromEntries([...routesByKey].map(([key, route]) => [key, handlerFor(route, parts)]));
}

function handlerFor(route: Route, parts: CallParts) {
  const { requestStream, responseStream } = route.facts.definition;
  if (requestStream) return duplex(route, parts);
  return responseStream ? streaming(route, parts) : unary(route, parts);
}

function unary(route: Route, parts: CallParts): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    void running(route, call, call.request, parts, async (incoming) => {
      for await (const answer of route.handle(incoming)) return { answer, trailers: trailersOf(incoming) };
      throw new MeshError('internal', 'the method gave no answer');
    }).then(
      ({ answer, trailers }) => callback(null, answer, trailers),
      (caught: unknown) => callback(wireError(MeshError.from(caught))),
    );
  };
}

function streaming(route: Route, parts: CallParts): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    void running(route, call, call.request, parts, (incoming) => pour(route, incoming, call)).then(
      (trailers) => call.end(trailers),
      (caught: unknown) => call.emit('error', wireError(MeshError.from(caught))),
    );
  };
}

function duplex(route: Route, parts: CallParts): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    // Leaving the iteration must not tear down the stream: answers are still to be written.
    const requests = call.iterator({ destroyOnReturn: false });
    void running(route, call, requests, parts, (incoming) => pour(route, incoming, call)).then(
      (trailers) => call.end(trailers),
      (caught: unknown) => call.emit('error', wireError(MeshError.from(caught))),
    );
  };
}

/** Writes answers as fast as the other side reads them. */
async function pour(
  route: Route,
  incoming: Incoming,
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
): Promise<Metadata> {
  for await (const answer of route.handle(incoming)) {
    if (call.write(answer)) continue;
    await unlessAborted(incoming.call.signal, new Promise<void>((resolve) => call.once('drain', resolve)));
  }
  return trailersOf(incoming);
}

function trailersOf({ trailers }: Incoming): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of trailers) metadata.set(name, value);
  return metadata;
}

async function running<T>(
  route: Route,
  call: AnyCall,
  request: unknown,
  parts: CallParts,
  work: (incoming: Incoming) => Promise<T>,
): Promise<T> {
  const incoming = openCall(
    {
      method: route.facts,
      request,
      passport: readPassport(call.metadata),
      deadlineUnixMs: unixMs(call.getDeadline()),
      parent: propagation.extract(context.active(), call.metadata, metadataGetter),
    },
    parts,
  );
  const left = () => incoming.end(new MeshError('cancelled', 'the caller has left'));
  call.on('cancelled', left);
  const over = parts.begun(incoming);
  try {
    return await work(incoming);
  } finally {
    over();
    call.off('cancelled', left);
  }
}

function unixMs(deadline: Deadline): number {
  return deadline instanceof Date ? deadline.getTime() : deadline;
}
