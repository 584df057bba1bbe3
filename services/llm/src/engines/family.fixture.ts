import { type GgufTensor, type GgufValue, gguf } from '../../../../ops/models/gguf.ts';

/** A family of models as its files describe themselves. */
export interface Family {
  readonly architecture: 'qwen2' | 'llama';
  /** How llama.cpp cuts text before it merges bytes. */
  readonly pretokenizer: 'qwen2' | 'llama-bpe';
  readonly template: string;
  /** Pieces with a meaning of their own, which no text makes. */
  readonly special: readonly string[];
  readonly endOfText: string;
}

/** Qwen's: a ChatML template, `<|im_end|>` ends a turn, and the file names another token as the end of a text. */
export const CHATML: Family = {
  architecture: 'qwen2',
  pretokenizer: 'qwen2',
  template:
    "{%- if messages[0]['role'] != 'system' %}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{%- endif %}" +
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}{%- endfor %}" +
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
  special: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  endOfText: '<|endoftext|>',
};

/** Llama 3's: headers around roles, `<|eot_id|>` ends a turn, a begin-of-text token, fewer key heads than heads. */
export const LLAMA3: Family = {
  architecture: 'llama',
  pretokenizer: 'llama-bpe',
  template:
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}" +
    '{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}' +
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
  special: ['<|begin_of_text|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
  endOfText: '<|end_of_text|>',
};

/** As Gemma's: no system messages, and user and assistant in turn; both are errors that the template raises. */
export const STRICT_TEMPLATE =
  "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}" +
  "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}" +
  "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}";

const CONTROL = 3;
const NORMAL = 1;
const HEADS = 4;
const CONTEXT_TOKENS = 512;
/** A wanted successor beats every other piece by far, and is still no infinity. */
const CERTAINTY = 2;

/**
 * A model of the family whose weights are set by hand: after each piece of `says` it writes the next one, after the last the first
 * again, and it begins at a line break, with which both templates end. Attention and inner layers are there and add nothing.
 */
export function modelThatSays(family: Family, says: readonly string[]): Buffer {
  const tokens = vocabulary(family, says);
  const successors = new Map<string, string>();
  for (const [index, piece] of ['\n', ...says].entries()) successors.set(piece, says[index % says.length] ?? '');
  return gguf(metadata(family, tokens, says), tensors(family, tokens, successors));
}

/** Every byte, so that any text can be read, then the pieces and all that merges into them on the way, then the special ones. */
function vocabulary({ special }: Family, says: readonly string[]): string[] {
  const plain = says.filter((piece) => !special.includes(piece));
  return [...new Set([...BYTES, ...plain.flatMap((piece) => prefixesOf(bytesOf(piece))), ...special])];
}

/** GPT-2's way to write bytes as letters: https://github.com/openai/gpt-2/blob/master/src/encoder.py. */
const BYTES: readonly string[] = (() => {
  const printable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();

function bytesOf(text: string): string {
  return [...Buffer.from(text, 'utf8')].map((byte) => BYTES[byte]).join('');
}

function prefixesOf(piece: string): string[] {
  return [...piece].map((_, index) => piece.slice(0, index + 1)).slice(1);
}

function metadata(family: Family, tokens: readonly string[], says: readonly string[]): Record<string, GgufValue> {
  const { architecture, special } = family;
  const u32 = (value: number): GgufValue => ({ kind: 'u32', value });
  const text = (value: string): GgufValue => ({ kind: 'string', value });
  const merges = says
    .flatMap((piece) => (special.includes(piece) ? [] : prefixesOf(bytesOf(piece))))
    .map((whole) => `${whole.slice(0, -1)} ${whole.at(-1)}`);
  return {
    'general.architecture': text(architecture),
    'general.name': text('made by hand'),
    [`${architecture}.context_length`]: u32(CONTEXT_TOKENS),
    [`${architecture}.embedding_length`]: u32(widthOf(tokens)),
    [`${architecture}.block_count`]: u32(1),
    [`${architecture}.feed_forward_length`]: u32(32),
    [`${architecture}.attention.head_count`]: u32(HEADS),
    [`${architecture}.attention.head_count_kv`]: u32(keyHeads(family)),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { kind: 'f32', value: 1e-5 },
    [`${architecture}.rope.freq_base`]: { kind: 'f32', value: 10_000 },
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text(family.pretokenizer),
    'tokenizer.ggml.tokens': { kind: 'strings', value: tokens },
    'tokenizer.ggml.token_type': { kind: 'i32s', value: tokens.map((token) => (special.includes(token) ? CONTROL : NORMAL)) },
    'tokenizer.ggml.merges': { kind: 'strings', value: [...new Set(merges)] },
    'tokenizer.ggml.bos_token_id': u32(tokens.indexOf(special[0] ?? '')),
    'tokenizer.ggml.eos_token_id': u32(tokens.indexOf(family.endOfText)),
    'tokenizer.ggml.add_bos_token': { kind: 'bool', value: architecture === 'llama' },
    'tokenizer.chat_template': text(family.template),
  };
}

/** One channel a piece, and a width that heads and their rotated pairs divide. */
function widthOf(tokens: readonly string[]): number {
  return Math.ceil(tokens.length / 32) * 32;
}

function keyHeads({ architecture }: Family): number {
  return architecture === 'llama' ? HEADS / 2 : HEADS;
}

function tensors(family: Family, tokens: readonly string[], successors: ReadonlyMap<string, string>): GgufTensor[] {
  const { architecture, special } = family;
  const width = widthOf(tokens);
  const keys = (width / HEADS) * keyHeads(family);
  const nothing = (name: string, ...dimensions: number[]): GgufTensor => ({
    name: `blk.0.${name}`,
    dimensions,
    values: new Float32Array(dimensions.reduce((product, dimension) => product * dimension, 1)),
  });
  const norm = (name: string): GgufTensor => ({ name, dimensions: [width], values: new Float32Array(width).fill(1) });
  const idOf = (piece: string): number => tokens.indexOf(special.includes(piece) ? piece : bytesOf(piece));
  const embedding = new Float32Array(width * tokens.length);
  for (const id of tokens.keys()) embedding[id * width + id] = 1;
  const output = new Float32Array(width * tokens.length);
  for (const [piece, next] of successors) output[idOf(next) * width + idOf(piece)] = CERTAINTY;
  return [
    { name: 'token_embd.weight', dimensions: [width, tokens.length], values: embedding },
    norm('blk.0.attn_norm.weight'),
    nothing('attn_q.weight', width, width),
    nothing('attn_k.weight', width, keys),
    nothing('attn_v.weight', width, keys),
    ...(architecture === 'qwen2'
      ? [nothing('attn_q.bias', width), nothing('attn_k.bias', keys), nothing('attn_v.bias', keys)]
      : []),
    nothing('attn_output.weight', width, width),
    norm('blk.0.ffn_norm.weight'),
    nothing('ffn_gate.weight', width, 32),
    nothing('ffn_up.weight', width, 32),
    nothing('ffn_down.weight', 32, width),
    norm('output_norm.weight'),
    { name: 'output.weight', dimensions: [width, tokens.length], values: output },
  ];
}
