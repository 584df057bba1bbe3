import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Artifact } from '@smartlite/trust';
import { Problem } from '../../problem.ts';
import { type Landing, partialOf } from './source.ts';

/** A cut connection is taken up again where it broke; a server that is down is not asked for ever. */
const ATTEMPTS = 4;

/** Fetches an artifact by URL. What an earlier, interrupted fetch has left is continued by byte range (RFC 9110, section 14). */
export async function fetchAddress(artifact: Artifact, url: string, landing: Landing): Promise<void> {
  let cause: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await continueFetch(artifact, url, landing);
    } catch (caught) {
      landing.signal.throwIfAborted();
      if (caught instanceof Problem) throw caught;
      cause = caught;
    }
  }
  throw new Problem(
    `Artifact ${artifact.id}: ${url} cannot be fetched.`,
    'Check the network and run the same command again; it continues where it stopped.',
    { cause },
  );
}

async function continueFetch(artifact: Artifact, url: string, landing: Landing): Promise<void> {
  const path = partialOf(landing, artifact);
  const have = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (have >= artifact.size) return;
  const headers = have > 0 ? { range: `bytes=${have}-` } : {};
  const response = await fetch(url, { headers, signal: landing.signal });
  if (!response.ok || response.body === null) throw refusal(artifact, url, response.status);
  // A server that ignores the range sends everything, from the first byte.
  const resumed = response.status === 206;
  landing.onBytes(resumed ? have : 0, artifact.id);
  const counted = count(Readable.fromWeb(response.body), artifact, landing);
  await pipeline(counted, createWriteStream(path, { flags: resumed ? 'a' : 'w' }), { signal: landing.signal });
}

/** Passes the bytes on and tells how many; a source that sends more than the pack says is cut off. */
async function* count(body: AsyncIterable<Uint8Array>, artifact: Artifact, landing: Landing): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of body) {
    seen += chunk.byteLength;
    if (seen > artifact.size)
      throw new Problem(
        `Artifact ${artifact.id}: its source sends more than the ${artifact.size} bytes that the pack says.`,
        'Do not use this source; ask who publishes it.',
      );
    landing.onBytes(chunk.byteLength, artifact.id);
    yield chunk;
  }
}

function refusal(artifact: Artifact, url: string, status: number): Error {
  const text = `Artifact ${artifact.id}: ${url} answers ${status}.`;
  return status >= 500
    ? new Error(text)
    : new Problem(text, 'Mend the artifact’s source in the pack, or give SMARTLITE_MODELS_MIRROR a folder that has it.');
}
