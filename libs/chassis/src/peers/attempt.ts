import type { Client, ClientDuplexStream, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import type { MethodDefinition } from '../service.ts';
import { reasonOf } from './reason.ts';

/** One try at one instance. */
export interface Attempt {
  readonly client: Client;
  readonly definition: MethodDefinition;
  readonly metadata: Metadata;
  /** Unix milliseconds, or Infinity. */
  readonly deadlineUnixMs: number;
  readonly signal: AbortSignal;
}

/** Sends the request, or the stream of them, and passes on what comes back. Leaving the iteration cancels the call. Throws what gRPC throws. */
export async function* attemptCall(request: unknown, attempt: Attempt): AsyncGenerator<unknown> {
  attempt.signal.throwIfAborted();
  const { requestStream, responseStream } = attempt.definition;
  if (requestStream) yield* converse(request as AsyncIterable<unknown>, attempt);
  else if (responseStream) yield* listen(request, attempt);
  else yield await ask(request, attempt);
}

function ask(request: unknown, { client, definition, metadata, deadlineUnixMs, signal }: Attempt): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = definition;
    const call = client.makeUnaryRequest(
      path,
      requestSerialize as (value: unknown) => Buffer,
      responseDeserialize,
      request,
      metadata,
      { deadline: deadlineUnixMs },
      (error, answer) => {
        signal.removeEventListener('abort', cancel);
        if (error) reject(signal.aborted ? reasonOf(signal) : error);
        else resolve(answer);
      },
    );
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

async function* listen(
  request: unknown,
  { client, definition, metadata, deadlineUnixMs, signal }: Attempt,
): AsyncGenerator<unknown> {
  const { path, requestSerialize, responseDeserialize } = definition;
  const call = client.makeServerStreamRequest(
    path,
    requestSerialize as (value: unknown) => Buffer,
    responseDeserialize,
    request,
    metadata,
    { deadline: deadlineUnixMs },
  );
  yield* received(call, signal);
}

async function* converse(
  requests: AsyncIterable<unknown>,
  { client, definition, metadata, deadlineUnixMs, signal }: Attempt,
): AsyncGenerator<unknown> {
  const { path, requestSerialize, responseDeserialize } = definition;
  const call = client.makeBidiStreamRequest(path, requestSerialize as (value: unknown) => Buffer, responseDeserialize, metadata, {
    deadline: deadlineUnixMs,
  });
  const sending = { over: false, failure: undefined as unknown };
  send(requests, call, sending).catch((caught: unknown) => {
    // The caller's own stream broke: the call is over, and that is why.
    sending.failure = caught;
    call.cancel();
  });
  try {
    yield* received(call, signal);
  } catch (caught) {
    throw sending.failure ?? caught;
  } finally {
    sending.over = true;
  }
}

/** The next request is asked for when the one before it has left: what would wait here anyway, its maker may still join with what comes. */
async function send(
  requests: AsyncIterable<unknown>,
  call: ClientDuplexStream<unknown, unknown>,
  sending: { readonly over: boolean },
): Promise<void> {
  let left = () => {};
  call.once('close', () => left());
  for await (const request of requests) {
    if (sending.over) return;
    await new Promise<void>((resolve) => {
      left = resolve;
      call.write(request, () => resolve());
    });
  }
  call.end();
}

async function* received(call: ClientReadableStream<unknown>, signal: AbortSignal): AsyncGenerator<unknown> {
  const cancel = () => call.cancel();
  // A cancelled call reports an error even when nobody reads any more.
  call.on('error', () => {});
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    yield* call as AsyncIterable<unknown>;
  } catch (caught) {
    throw signal.aborted ? reasonOf(signal) : caught;
  } finally {
    signal.removeEventListener('abort', cancel);
    call.cancel();
  }
}
