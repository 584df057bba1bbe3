import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import type { EngineModule } from '@smartlite/chassis';
import type { Comparison, ComparisonRequest, Recognition, RecognitionRequest } from '../engine.ts';
import { RATE_HZ, samplesOf } from '../pcm.ts';
import { chooseToken, logProbability } from './greedy.ts';
import { floatsOf, openSession } from './onnx.ts';
import { Vocabulary } from './vocabulary.ts';

const settingsSchema = z.object({
  /** Layers, heads and width of a head of the decoder: the shape of its key-value cache. */
  layers: z.int().min(1).max(64),
  heads: z.int().min(1).max(64),
  head_dim: z.int().min(1).max(1024),
  threads: z.int().min(1).max(64).default(1),
});
type Settings = z.infer<typeof settingsSchema>;

const START_TOKEN = 1;
const END_TOKEN = 2;
/** Nobody speaks more tokens a second than this; a model that wants more has begun to repeat itself. */
const TOKENS_PER_SECOND = 6.5;
/** The encoder's convolutions need about 900 samples; shorter audio is followed by silence. */
const SAMPLES_MIN = 1600;
/** Moonshine was trained on segments of up to 30 s. */
const SAMPLES_MAX = 30 * RATE_HZ;

/** Moonshine, an encoder-decoder speech recogniser: artifacts are encoder, merged decoder (ONNX) and vocabulary, in this order. */
export const engine: EngineModule<RecognitionRequest | ComparisonRequest, Recognition | Comparison> = {
  artifactsAs: 'bytes',
  async load([encoder, decoder, vocabulary], settings) {
    if (encoder === undefined || decoder === undefined || vocabulary?.kind !== 'bytes') {
      throw new Error('moonshine needs three artifacts as bytes: encoder, decoder, vocabulary');
    }
    const shape = settingsSchema.parse(settings);
    const model = new Moonshine(
      await openSession(encoder, shape.threads),
      await openSession(decoder, shape.threads),
      new Vocabulary(vocabulary.bytes),
      shape,
    );
    return {
      run: (request, signal) => ('texts' in request ? model.compare(request, signal) : model.recognise(request, signal)),
      close: () => model.close(),
    };
  },
};

type Tensors = Record<string, Tensor>;

class Moonshine {
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #vocabulary: Vocabulary;
  readonly #shape: Settings;

  constructor(encoder: InferenceSession, decoder: InferenceSession, vocabulary: Vocabulary, shape: Settings) {
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#vocabulary = vocabulary;
    this.#shape = shape;
  }

  async *recognise({ pcm }: RecognitionRequest, signal: AbortSignal): AsyncIterable<Recognition> {
    const samples = withSilence(samplesOf(pcm));
    yield await this.#decode(await this.#encode(samples), Math.ceil((samples.length / RATE_HZ) * TOKENS_PER_SECOND), signal);
  }

  async *compare({ pcm, texts }: ComparisonRequest, signal: AbortSignal): AsyncIterable<Comparison> {
    const heard = await this.#encode(withSilence(samplesOf(pcm)));
    const likelihoods: number[] = [];
    for (const text of texts) {
      signal.throwIfAborted();
      likelihoods.push(await this.#likelihood(heard, this.#vocabulary.ids(text)));
    }
    yield { likelihoods };
  }

  async close(): Promise<void> {
    await this.#encoder.release();
    await this.#decoder.release();
  }

  async #encode(samples: Float32Array): Promise<Tensor> {
    if (samples.length > SAMPLES_MAX)
      throw new Error(`a segment may have ${SAMPLES_MAX} samples, this one has ${samples.length}`);
    const output = await this.#encoder.run({ input_values: new Tensor('float32', samples, [1, samples.length]) });
    return output['last_hidden_state'] as Tensor;
  }

  /** Greedy decoding, one token a step, the cache of past steps fed back. The signal is looked at before every step. */
  async #decode(heard: Tensor, tokensMax: number, signal: AbortSignal): Promise<Recognition> {
    const ids: number[] = [];
    let past = this.#emptyCache();
    let [probabilities, likelihood] = [0, 0];
    let last = START_TOKEN;
    for (let step = 0; step < tokensMax; step++) {
      signal.throwIfAborted();
      const output = (await this.#decoder.run(stepInput([last], heard, step > 0, past))) as Tensors;
      const choice = chooseToken(floatsOf(output, 'logits'), this.#vocabulary.size);
      probabilities += choice.probability;
      likelihood += Math.log(choice.probability);
      if (choice.id === END_TOKEN) return { ...this.#answer(ids, probabilities / (ids.length + 1), true), likelihood };
      ids.push(choice.id);
      last = choice.id;
      past = nextCache(past, output, step === 0);
    }
    return this.#answer(ids, probabilities / ids.length, false);
  }

  /** Of the whole text, its end included: all its tokens are given to the decoder at once, and each is judged by those before it. */
  async #likelihood(heard: Tensor, ids: readonly number[]): Promise<number> {
    const output = (await this.#decoder.run(stepInput([START_TOKEN, ...ids], heard, false, this.#emptyCache()))) as Tensors;
    const logits = floatsOf(output, 'logits');
    const width = logits.length / (ids.length + 1);
    const { size: vocabularySize } = this.#vocabulary;
    return [...ids, END_TOKEN].reduce(
      (sum, id, step) => sum + logProbability(logits, { from: step * width, vocabularySize }, id),
      0,
    );
  }

  #answer(ids: readonly number[], confidence: number, complete: boolean): Recognition {
    return { text: this.#vocabulary.text(ids), confidence, complete };
  }

  #emptyCache(): Tensors {
    const { layers, heads, head_dim: width } = this.#shape;
    const cache: Tensors = {};
    for (let layer = 0; layer < layers; layer++) {
      for (const part of ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value']) {
        cache[`past_key_values.${layer}.${part}`] = new Tensor('float32', new Float32Array(), [0, heads, 1, width]);
      }
    }
    return cache;
  }
}

function withSilence(samples: Float32Array): Float32Array {
  if (samples.length >= SAMPLES_MIN) return samples;
  const padded = new Float32Array(SAMPLES_MIN);
  padded.set(samples);
  return padded;
}

function stepInput(tokens: readonly number[], heard: Tensor, cached: boolean, past: Tensors): Tensors {
  return {
    input_ids: new Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
    encoder_hidden_states: heard,
    use_cache_branch: new Tensor('bool', [cached]),
    ...past,
  };
}

/** The decoder's own cache grows with every step; that of the encoder is made by the first step and stays. */
function nextCache(past: Tensors, output: Tensors, first: boolean): Tensors {
  const names = Object.keys(past).filter((name) => first || name.includes('.decoder.'));
  const fresh = names.map((name) => [name, output[name.replace('past_key_values', 'present')] as Tensor]);
  return { ...past, ...Object.fromEntries(fresh) };
}
