import type { ManifestEntry } from '../lock.ts';
import { PAE_TAG } from '../pae.ts';
import { refuse } from './open.ts';

/** Bytes of an artifact that are looked at to tell its format. */
export const HEAD_BYTES = 64;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** What each format begins with. Data is what is none of the others and nothing that a runtime would execute. */
const BEGINS: Readonly<Record<ManifestEntry['format'], (head: Uint8Array) => boolean>> = {
  // ModelProto: field 1 (ir_version), a small varint.
  onnx: (head) => head[0] === 0x08 && (head[1] ?? 0xff) < 0x80,
  gguf: (head) => text(head).startsWith('GGUF'),
  // Length of the JSON header, then the header.
  safetensors: (head) => head[8] === 0x7b && (head[7] ?? 1) === 0,
  wasm: (head) => text(head).startsWith('\0asm'),
  data: (head) => !isPickle(head) && !text(head).startsWith('\u007fELF') && !text(head).startsWith('#!'),
  javascript: (head) => !isPickle(head) && !text(head).startsWith('\u007fELF'),
};

/** Throws FORMAT_REFUSED or TAGGED_AS_SIGNED by content, whatever the file's name says. */
export function assertFormat(head: Uint8Array, entry: Pick<ManifestEntry, 'id' | 'path' | 'format'>): void {
  if (text(head).startsWith(PAE_TAG))
    throw refuse('TAGGED_AS_SIGNED', entry, `begins with ${PAE_TAG}: it could pass for a signed object`);
  if (isPickle(head)) throw refuse('FORMAT_REFUSED', entry, 'is a Python pickle, which runs code when it is loaded: convert it');
  if (!BEGINS[entry.format](head)) throw refuse('FORMAT_REFUSED', entry, `does not begin as ${entry.format} does`);
}

/** Pickle protocols 2 to 5 begin with 0x80 and their number; PyTorch archives are zip files of pickles. */
function isPickle(head: Uint8Array): boolean {
  return (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5) || text(head).startsWith('PK\u0003\u0004');
}
