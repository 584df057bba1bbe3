import { MeshError } from '@smartlite/contracts';
import { Worker } from 'node:worker_threads';
import type { Container } from './detect.ts';
import { oggPages } from './ogg.ts';
import type { Sound } from './samples.ts';

/**
 * Given to the decoder at a time: a short piece can only unfold into so much sound before it is counted. FLAC makes 65,535 samples of
 * 8 channels out of 34 bytes, so this much becomes 63 MB at worst.
 */
const PIECE_BYTES = 1024;
/** Decoders at work at once, each a thread with its own memory; whoever comes then is told to come again. */
const DECODERS_MAX = 16;
const RETRY_AFTER_MS = 1_000;
/** A decoder that has not answered by then, its start on a busy machine included, has met a file made to stall it. */
const PIECE_MS_MAX = 30_000;
const HEAP_MB_MAX = 256;

let decoders = 0;

/** Decodes FLAC, MP3, Ogg Vorbis, Ogg Opus or Ogg FLAC as it comes. Throws `unsupported-media` where the file is broken. */
export async function* decodeCompressed(
  container: Exclude<Container, 'wav'>,
  bytes: AsyncIterable<Uint8Array>,
): AsyncIterable<Sound> {
  if (decoders >= DECODERS_MAX)
    throw new MeshError('overloaded', `${DECODERS_MAX} compressed files are being decoded already; WAV needs no decoder`, {
      retryAfterMs: RETRY_AFTER_MS,
    });
  decoders += 1;
  const worker = new Worker(new URL('./decoder.ts', import.meta.url), {
    workerData: { container },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  const failed = new Promise<never>((_resolve, reject) => worker.once('error', (cause) => reject(broken(container, cause))));
  failed.catch(() => undefined);
  let heard = false;
  try {
    for await (const part of pieces(container.startsWith('ogg') ? oggPages(bytes) : thenEnd(bytes))) {
      const sound = await ask(worker, failed, container, part);
      if (!sound || (sound.channels[0]?.length ?? 0) === 0) continue;
      heard = true;
      yield sound;
    }
    if (!heard) throw broken(container);
  } finally {
    decoders -= 1;
    await worker.terminate();
  }
}

async function* thenEnd(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array | null> {
  yield* bytes;
  yield null;
}

async function* pieces(parts: AsyncIterable<Uint8Array | null>): AsyncIterable<Uint8Array | null> {
  for await (const part of parts) {
    if (part === null) yield null;
    else for (let at = 0; at < part.byteLength; at += PIECE_BYTES) yield part.subarray(at, at + PIECE_BYTES);
  }
}

async function ask(
  worker: Worker,
  failed: Promise<never>,
  container: Container,
  /** Null: the end of a recording. */
  part: Uint8Array | null,
): Promise<Sound | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Sound | null>();
  const timer = setTimeout(() => reject(broken(container)), PIECE_MS_MAX);
  worker.once('message', resolve);
  worker.postMessage(part && Uint8Array.from(part));
  try {
    const sound = await Promise.race([promise, failed]);
    if (sound === null) throw broken(container);
    return sound;
  } finally {
    clearTimeout(timer);
    worker.off('message', resolve);
  }
}

function broken(container: Container, cause?: unknown): MeshError {
  return new MeshError('unsupported-media', `the ${container} file cannot be decoded: it is cut short or damaged`, { cause });
}
