import type { ManifestEntry } from '../lock.ts';
import { PAE_TAG } from '../pae.ts';
import { refuse } from './open.ts';
import { isPickle } from './pickle.ts';

/** Bytes of an artifact that are looked at to tell its format: a tar says what it is in the middle of its first block. */
export const HEAD_BYTES = 512;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** ELF, Mach-O, PE, scripts; byte code of Lua, Android, LLVM and Python; static libraries. */
const EXECUTABLE =
  /^(?:\x7fELF|[\xfe\xcf\xce]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]|\xca\xfe\xba\xbe|MZ|#!|\x1bLua|dex\n0|BC\xc0\xde|\xde\xc0\x17\x0b|[\s\S]{2}\r\n[\0-\x03]\0\0\0|!<arch>\n)/;
/**
 * gzip and compress, bzip2, xz, lzma, zstd, lz4, snappy, zlib, 7-Zip, RAR, cabinet, tar; NumPy and HDF5, which may hold pickles: what is
 * inside could not be seen.
 */
const PACKED =
  /^(?:\x1f[\x8b\x9d\xa0]|BZh|\xfd7zXZ|\x5d\0\0|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|\xff\x06\0\0sNaPpY|x(?:[\x01\x9c\xda]|\^[^\t\n -~])|7z\xbc\xaf|Rar!\x1a|MSCF\0|[\s\S]{257}ustar|\x93NUMPY|\x89HDF)/;
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
