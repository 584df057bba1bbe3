import { Readable } from 'node:stream';
import { MeshError } from '@smartlite/contracts';

/**
 * A body, or a stream of messages, as it comes. Throws `request-timeout` when nothing came for `idleMsMax` while somebody wanted to
 * read, and `cancelled` when the sender has left. Leaving it does not destroy the source: a refusal is still to be written on the same connection.
 */
export async function* patiently<T>(source: AsyncIterable<T>, idleMsMax: number): AsyncIterable<T> {
  const parts = source[Symbol.asyncIterator]();
  for (;;) {
    const next = await within(parts.next(), idleMsMax);
    if (next.done) return;
    yield next.value;
  }
}

/** One step of an upload, under the same rule. */
export function within<T>(step: Promise<T>, idleMsMax: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new MeshError('request-timeout', `nothing was received for ${idleMsMax} ms`)), idleMsMax);
  const whole = step.catch((cause: unknown) => {
    if (cause instanceof MeshError || (cause instanceof Error && 'statusCode' in cause)) throw cause;
    throw new MeshError('cancelled', 'the upload was broken off', { cause });
  });
  return Promise.race([whole, promise]).finally(() => clearTimeout(timer));
}

/** The same for a body that the HTTP library gathers by itself. */
export function patientStream(source: AsyncIterable<Uint8Array>, idleMsMax: number): Readable {
  return Readable.from(patiently(source, idleMsMax), { objectMode: false });
}
