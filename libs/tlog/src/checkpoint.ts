import type { KeyObject } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import { LogFault } from './fault.ts';
import { HASH_BYTES } from './hash.ts';
import { type NoteKey, openNote, signNote } from './note.ts';

/** The head of a tree as https://c2sp.org/tlog-checkpoint has it. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A checkpoint whose signature has been proven, with the note that carried it. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
}

/** Signs the head of a tree; the key's name is the log's origin. */
export function signCheckpoint(
  { size, root }: Omit<Checkpoint, 'origin'>,
  key: NoteKey,
  privateKey: KeyObject,
): SignedCheckpoint {
  const text = `${key.name}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
  return { origin: key.name, size, root, note: signNote(text, key, privateKey) };
}

/** Proves a checkpoint's signature, then reads it. Throws what `openNote` throws, CHECKPOINT_MALFORMED, or ORIGIN_MISMATCH. */
export function openCheckpoint(note: string, key: NoteKey, where = 'checkpoint'): SignedCheckpoint {
  const [origin, size, root, ...more] = openNote(note, key, where).slice(0, -1).split('\n');
  const malformed = (what: string) => new LogFault('CHECKPOINT_MALFORMED', where, `${where} is no checkpoint: ${what}`);
  if (origin !== key.name)
    throw new LogFault('ORIGIN_MISMATCH', where, `${where} is of the log "${origin}", not of "${key.name}"`);
  if (!size || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) throw malformed('its size is no number');
  const hash = fromBase64(root);
  if (hash?.length !== HASH_BYTES) throw malformed('its root is no hash');
  if (more.some((line) => line === '')) throw malformed('it has an empty line');
  return { origin, size: Number(size), root: hash, note };
}
