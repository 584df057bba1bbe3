import type { ManifestEntry } from '../lock.ts';
import { PAE_TAG } from '../pae.ts';
import { refuse } from './open.ts';
import { isPickle } from './pickle.ts';

/** Bytes of an artifact that are looked at to tell its format. */
export const HEAD_BYTES = 64;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** ELF, Mach-O, PE, scripts. */
const EXECUTABLE = /^(?:\x7fELF|[\xfe\xcf\xce]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]|\xca\xfe\xba\xbe|MZ|#!)/;
/** gzip, bzip2, xz, zstd, 7-Zip, NumPy (which may hold pickles): what is inside could not be seen. */
const PACKED = /^(?:\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|\x93NUMPY)/;

/** What each format begins with. Data is what is none of the others and nothing that a runtime would execute. */
const BEGINS: Readonly<Record<ManifestEntry['format'], (head: Uint8Array) => boolean>> = {
  // ModelProto: field 1 (ir_version), a small varint.
  onnx: (head) => head[0] === 0x08 && (head[1] ?? 0xff) < 0x80,
  gguf: (head) => text(head).startsWith('GGUF'),
  // Length of the JSON header, then the header.
  safetensors: (head) => head[8] === 0x7b && (head[7] ?? 1) === 0,
  wasm: (head) => text(head).startsWith('\0asm'),
  data: (head) => !EXECUTABLE.test(text(head)) && !PACKED.test(text(head)),
  javascript: (head) => !EXECUTABLE.test(text(head)) && !PACKED.test(text(head)),
};

/** Throws FORMAT_REFUSED or TAGGED_AS_SIGNED by content, whatever the file's name says. */
export function assertFormat(head: Uint8Array, entry: Pick<ManifestEntry, 'id' | 'path' | 'format'>): void {
  if (text(head).startsWith(PAE_TAG))
    throw refuse('TAGGED_AS_SIGNED', entry, `begins with ${PAE_TAG}: it could pass for a signed object`);
  if (isPickle(head)) throw refuse('FORMAT_REFUSED', entry, 'is a Python pickle, which runs code when it is loaded: convert it');
  if (!BEGINS[entry.format](head)) throw refuse('FORMAT_REFUSED', entry, `does not begin as ${entry.format} does`);
}
