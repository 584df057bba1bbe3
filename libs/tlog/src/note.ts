import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import { LogFault } from './fault.ts';

// Signed notes as https://c2sp.org/signed-note has them, with its Ed25519 signatures alone.

const ED25519 = 0x01;
const ED25519_KEY_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in an SPKI. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
/** Ours are below 1 KB; sixteen signatures of witnesses would still fit. */
const NOTE_BYTES_MAX = 64 * 1024;
const SIGNATURES_MAX = 64;

/** A log's public key under its name: all that is needed to check what the log says. */
export interface NoteKey {
  readonly name: string;
  /** Eight hex digits: names the key, proves nothing. */
  readonly id: string;
  readonly publicKey: KeyObject;
}

/** The key of that name. Throws KEY_MALFORMED for a name that a note cannot carry. */
export function noteKey(name: string, publicKey: KeyObject): NoteKey {
  if (name === '' || /[\s+]/u.test(name) || /[\u0000-\u001f]/.test(name))
    throw new LogFault('KEY_MALFORMED', 'key name', `"${name}" cannot name a key: it is empty, or has spaces or plus signs`);
  const bytes = rawKey(publicKey);
  const digest = createHash('sha256').update(`${name}\n`).update(Buffer.of(ED25519)).update(bytes).digest('hex');
  return { name, id: digest.slice(0, 2 * KEY_ID_BYTES), publicKey };
}

/** `name+id+base64(1, key)`: the text form that Go's note package made customary. */
export function encodeVerifierKey({ name, id, publicKey }: NoteKey): string {
  return `${name}+${id}+${Buffer.concat([Buffer.of(ED25519), rawKey(publicKey)]).toString('base64')}`;
}

/** Reads a verifier key. Throws KEY_MALFORMED. */
export function parseVerifierKey(text: string, where = 'key'): NoteKey {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text.trim());
  const bytes = fromBase64(match?.[3]);
  if (!match || bytes?.length !== 1 + ED25519_KEY_BYTES || bytes[0] !== ED25519)
    throw new LogFault('KEY_MALFORMED', where, `${where} is no verifier key: name+id+base64 of an Ed25519 key is due`);
  const spki = Buffer.concat([SPKI_PREFIX, bytes.subarray(1)]);
  const key = noteKey(match[1] ?? '', createPublicKey({ key: spki, format: 'der', type: 'spki' }));
  if (key.id !== match[2])
    throw new LogFault('KEY_MALFORMED', where, `${where} contradicts itself: its id is ${key.id}, it says ${match[2]}`);
  return key;
}

/** Signs a text, which must end with a newline. */
export function signNote(text: string, key: NoteKey, privateKey: KeyObject): string {
  const signature = Buffer.concat([Buffer.from(key.id, 'hex'), sign(null, Buffer.from(text), privateKey)]);
  return `${text}\n— ${key.name} ${signature.toString('base64')}\n`;
}

/**
 * The text of a note that this key has signed. Throws NOTE_MALFORMED, SIGNATURE_MISSING (nobody by that name and id has signed) or
 * SIGNATURE_INVALID; signatures by others are ignored, as the standard asks.
 */
export function openNote(note: string, key: NoteKey, where = 'note'): string {
  const { text, signatures } = parseNote(note, where);
  const own = signatures.filter(({ name, id }) => name === key.name && id === key.id);
  if (own.length === 0) {
    const others = signatures.map(({ name, id }) => `${name} (${id})`).join(', ');
    throw new LogFault('SIGNATURE_MISSING', where, `${where} is not signed by ${key.name} (${key.id}), but by ${others}`);
  }
  for (const { signature } of own) {
    if (signature.length !== ED25519_SIGNATURE_BYTES || !verify(null, Buffer.from(text), key.publicKey, signature))
      throw new LogFault('SIGNATURE_INVALID', where, `${where} was changed after ${key.name} had signed it, or never was`);
  }
  return text;
}

interface NoteSignature {
  readonly name: string;
  readonly id: string;
  readonly signature: Buffer;
}

function parseNote(note: string, where: string): { readonly text: string; readonly signatures: readonly NoteSignature[] } {
  const malformed = (what: string) => new LogFault('NOTE_MALFORMED', where, `${where} is no signed note: ${what}`);
  if (Buffer.byteLength(note) > NOTE_BYTES_MAX) throw malformed(`it is longer than ${NOTE_BYTES_MAX} bytes`);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed()) throw malformed('it has control characters');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw malformed('no empty line stands before its signatures');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw malformed(`it has more than ${SIGNATURES_MAX} signatures`);
  const signatures = lines.map((line) => {
    const match = /^— ([^\s+]+) (\S+)$/u.exec(line);
    const bytes = fromBase64(match?.[2]);
    if (!match || !bytes || bytes.length <= KEY_ID_BYTES) throw malformed('a line below the text is no signature');
    const id = bytes.subarray(0, KEY_ID_BYTES).toString('hex');
    return { name: match[1] ?? '', id, signature: bytes.subarray(KEY_ID_BYTES) };
  });
  return { text: note.slice(0, split + 1), signatures };
}

function rawKey(publicKey: KeyObject): Buffer {
  if (publicKey.asymmetricKeyType !== 'ed25519')
    throw new LogFault('KEY_MALFORMED', 'key', `a log's key is Ed25519, not ${publicKey.asymmetricKeyType ?? publicKey.type}`);
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length);
}
