import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Opening a FIFO must not wait for its writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads a file that an attacker may have put there, in bounded time and memory: a regular file, and at most one byte more than
 * `bytesMax`, so that the parser sees that it is too large. Throws the system's error; for a FIFO, device or folder a plain Error.
 */
export async function readBounded(path: string, bytesMax: number): Promise<Uint8Array> {
  const handle = await open(path, OPEN_FLAGS);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error(`${path} is no regular file`);
    const buffer = Buffer.alloc(Math.min(stats.size, bytesMax) + 1);
    let at = 0;
    for (let got = 1; got > 0 && at < buffer.length; at += got)
      got = (await handle.read(buffer, at, buffer.length - at, at)).bytesRead;
    return buffer.subarray(0, at);
  } finally {
    await handle.close();
  }
}
