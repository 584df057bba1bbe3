import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LOCK_BYTES_MAX, parseLock, readBounded, writeAtomically } from '@smartlite/trust';

export interface RuntimeState {
  readonly mode: string;
  /** When the last full verification ended, and how. */
  readonly verified_at: string | null;
  readonly verification: 'passed' | 'failed' | null;
  readonly reasons: readonly string[];
  /** Instance that wrote this. */
  readonly written_by: string;
}

/**
 * Writes `runtime_state` into the lock: for people to read, outside the signature, decided upon by nobody. The signed part stays as it
 * is; a lock that changed meanwhile is left alone. Returns whether it was written; a file that cannot be written is no failure.
 */
export async function writeRuntimeState(file: string, state: RuntimeState): Promise<boolean> {
  try {
    const { mode } = await stat(file);
    const before = await readBounded(file, LOCK_BYTES_MAX);
    const content = `${JSON.stringify({ ...parseLock(before), runtime_state: state }, null, 2)}\n`;
    return await writeAtomically(file, content, mode & 0o777, () => holds(file, before));
  } catch {
    return false;
  }
}

/** By its bytes: a file's time is too coarse to tell two writes within milliseconds apart. */
function holds(file: string, bytes: Uint8Array): boolean {
  const now = statSync(file);
  return now.isFile() && now.size === bytes.byteLength && readFileSync(file).equals(bytes);
}
