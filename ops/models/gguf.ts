/** Metadata of a GGUF file: the value types that language models need. */
export type GgufValue =
  | { readonly kind: 'u32' | 'f32'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'f32s' | 'i32s'; readonly value: readonly number[] };

/** A tensor with its dimensions in ggml's order (fastest first); vectors are kept as float32, matrices written as float16. */
export interface GgufTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly values: Float32Array;
}

const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPE = { f32: 0, f16: 1 } as const;
const ALIGNMENT_BYTES = 32;

/** The bytes of a GGUF version 3 file, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. */
export function gguf(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Buffer {
  const data = tensors.map(tensorBytes);
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(Object.keys(metadata).length)];
  for (const [key, value] of Object.entries(metadata)) head.push(string(key), ...valueBytes(value));
  let offset = 0;
  for (const [index, tensor] of tensors.entries()) {
    head.push(string(tensor.name), u32(tensor.dimensions.length), ...tensor.dimensions.map(u64));
    head.push(u32(isMatrix(tensor) ? TENSOR_TYPE.f16 : TENSOR_TYPE.f32), u64(offset));
    offset += data[index]?.length ?? 0;
  }
  return Buffer.concat([padded(Buffer.concat(head)), ...data]);
}

const isMatrix = (tensor: GgufTensor): boolean => tensor.dimensions.length > 1;

function tensorBytes(tensor: GgufTensor): Buffer {
  const values = isMatrix(tensor) ? new Float16Array(tensor.values) : tensor.values;
  return padded(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT_BYTES - (bytes.length % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES)]);
}

function valueBytes(value: GgufValue): Buffer[] {
  switch (value.kind) {
    case 'u32':
      return [u32(TYPE.u32), u32(value.value)];
    case 'f32':
      return [u32(TYPE.f32), f32(value.value)];
    case 'bool':
      return [u32(TYPE.bool), Buffer.from([value.value ? 1 : 0])];
    case 'string':
      return [u32(TYPE.string), string(value.value)];
    case 'strings':
      return [u32(TYPE.array), u32(TYPE.string), u64(value.value.length), ...value.value.map(string)];
    case 'f32s':
      return [u32(TYPE.array), u32(TYPE.f32), u64(value.value.length), ...value.value.map(f32)];
    case 'i32s':
      return [u32(TYPE.array), u32(TYPE.i32), u64(value.value.length), ...value.value.map(u32)];
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}
