import { readFileSync, writeFileSync } from 'node:fs';
import { type GgufTensor, type GgufValue, gguf } from '../gguf.ts';

/** What train.py writes beside the weights. */
interface Described {
  readonly size: string;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly inner: number;
  readonly context: number;
  readonly epsilon: number;
  readonly tensors: Readonly<Record<string, { readonly offset: number; readonly shape: readonly number[] }>>;
  readonly tokens: readonly string[];
  readonly scores: readonly number[];
  readonly types: readonly number[];
}

/** The prompt that the model was trained on; `system` messages are not part of it. User text must be normalised first. */
export const CHAT_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|user|>' + message['content'] }}" +
  "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + eos_token }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

function metadata(model: Described): Record<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ kind: 'u32', value });
  const text = (value: string): GgufValue => ({ kind: 'string', value });
  const yes = (value: boolean): GgufValue => ({ kind: 'bool', value });
  return {
    'general.architecture': text('llama'),
    'general.name': text(`nano-${model.size}`),
    'general.license': text('apache-2.0'),
    'general.description': text('SmartLite demonstration model for a narrow voice assistant; see MODEL_CARD.md'),
    'general.file_type': u32(1),
    'llama.context_length': u32(model.context),
    'llama.embedding_length': u32(model.width),
    'llama.block_count': u32(model.layers),
    'llama.feed_forward_length': u32(model.inner),
    'llama.attention.head_count': u32(model.heads),
    'llama.attention.head_count_kv': u32(model.heads),
    'llama.attention.layer_norm_rms_epsilon': { kind: 'f32', value: model.epsilon },
    'llama.rope.dimension_count': u32(model.width / model.heads),
    'llama.rope.freq_base': { kind: 'f32', value: 10_000 },
    'llama.vocab_size': u32(model.tokens.length),
    'tokenizer.ggml.model': text('llama'),
    'tokenizer.ggml.tokens': { kind: 'strings', value: model.tokens },
    'tokenizer.ggml.scores': { kind: 'f32s', value: model.scores },
    'tokenizer.ggml.token_type': { kind: 'i32s', value: model.types },
    'tokenizer.ggml.bos_token_id': u32(1),
    'tokenizer.ggml.eos_token_id': u32(2),
    'tokenizer.ggml.unknown_token_id': u32(0),
    'tokenizer.ggml.add_bos_token': yes(true),
    'tokenizer.ggml.add_eos_token': yes(false),
    'tokenizer.ggml.add_space_prefix': yes(true),
    'tokenizer.chat_template': text(CHAT_TEMPLATE),
  };
}

/** `blk.0.attn_q.weight` is what both sides call it; only the embedding's prefix needs no change either. */
function tensors(model: Described, weights: Buffer): GgufTensor[] {
  return Object.entries(model.tensors).map(([name, { offset, shape }]) => {
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    const values = new Float32Array(weights.buffer.slice(weights.byteOffset + offset, weights.byteOffset + offset + count * 4));
    return { name, dimensions: [...shape].reverse(), values };
  });
}

/** `node export.ts DIR FILE.gguf`: turns what train.py left in DIR into a GGUF file. */
function main(): void {
  const [directory, target] = process.argv.slice(2);
  if (directory === undefined || target === undefined) throw new Error('usage: node export.ts DIR FILE.gguf');
  const model = JSON.parse(readFileSync(`${directory}/weights.json`, 'utf8')) as Described;
  writeFileSync(target, gguf(metadata(model), tensors(model, readFileSync(`${directory}/weights.bin`))));
}

if (import.meta.main) main();
