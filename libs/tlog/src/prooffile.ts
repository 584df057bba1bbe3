import { fromBase64 } from './base64.ts';
import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { LogFault } from './fault.ts';
import { HASH_BYTES, leafHash } from './hash.ts';
import type { NoteKey } from './note.ts';
import { verifyInclusion } from './proof.ts';

// One file that proves one entry, as https://c2sp.org/tlog-proof has it. The entry itself travels as the extra data.

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves has paths of 53 hashes. */
const PATH_MAX = 64;
/** An entry in base64, a path and a checkpoint with witnesses. */
const FILE_BYTES_MAX = 256 * 1024;

export interface EntryProof {
  readonly entry: Uint8Array;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** An entry that has been proven to stand in a log. */
export interface ProvenEntry {
  readonly entry: Uint8Array;
  readonly index: number;
  readonly checkpoint: SignedCheckpoint;
}

export function encodeProof({ entry, index, path, checkpoint }: EntryProof): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return [HEADER, `extra ${base64(entry)}`, `index ${index}`, ...path.map(base64), '', checkpoint].join('\n');
}

/** Proves the checkpoint and then the entry, with the log's public key alone. Throws PROOF_MALFORMED, PROOF_INVALID, or what `openCheckpoint` throws. */
export function verifyProof(text: string, key: NoteKey, where = 'proof'): ProvenEntry {
  const { entry, index, path, checkpoint: note } = parseProof(text, where);
  const checkpoint = openCheckpoint(note, key, `the checkpoint in ${where}`);
  const { size, root } = checkpoint;
  verifyInclusion({ index: BigInt(index), size: BigInt(size), leafHash: leafHash(entry), root, proof: path });
  return { entry, index, checkpoint };
}

/** Reads a proof file without proving anything. Throws PROOF_MALFORMED. */
export function parseProof(text: string, where = 'proof'): EntryProof {
  const malformed = (what: string) => new LogFault('PROOF_MALFORMED', where, `${where} is no proof of ours: ${what}`);
  if (text.length > FILE_BYTES_MAX) throw malformed(`it is longer than ${FILE_BYTES_MAX} bytes`);
  const end = text.indexOf('\n\n');
  const [header, extra, position, ...hashes] = text.slice(0, Math.max(end, 0)).split('\n');
  if (header !== HEADER) throw malformed(`its first line is not ${HEADER}`);
  const entry = fromBase64(/^extra (\S+)$/.exec(extra ?? '')?.[1]);
  if (!entry) throw malformed('line 2 does not carry the entry');
  const index = /^index (0|[1-9]\d{0,15})$/.exec(position ?? '')?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index))) throw malformed('line 3 gives no index');
  const path = hashes.map(fromBase64);
  const bad = path.findIndex((hash) => hash?.length !== HASH_BYTES);
  if (bad >= 0) throw malformed(`line ${bad + 4} is no hash`);
  if (path.length > PATH_MAX) throw malformed(`its path has more than ${PATH_MAX} hashes`);
  return { entry, index: Number(index), path: path as Uint8Array[], checkpoint: text.slice(end + 2) };
}
