import type { EngineArtifact, EngineModule, LoadedEngine } from '@smartlite/chassis';
import type { Verified } from '@smartlite/trust';
import { getLlama, LlamaGrammarEvaluationState, type LlamaContextSequence, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { LlmPiece, LlmWork } from '../engine.ts';
import { Prompter } from './gguf-prompt.ts';
import { TokenText } from './gguf-text.ts';

// llama.cpp through node-llama-cpp: any instruct GGUF. Chat template, special tokens and stop tokens are the file's own.

/** More threads than one make small models slower: llama.cpp's threads spin while they wait for each other. */
const THREADS_DEFAULT = 1;
const CONTEXT_TOKENS_DEFAULT = 512;

const settings = z.object({
  threads: z.number().int().min(1).max(64).default(THREADS_DEFAULT),
  context_tokens: z.number().int().min(64).max(131_072).default(CONTEXT_TOKENS_DEFAULT),
  /** Replaces the template of the file, for files that have none. */
  chat_template: z.string().optional(),
});

/** The GGUF is the first artifact; a second one is the list of words that the model knows. */
export const engine: EngineModule<LlmWork, LlmPiece> = {
  artifactsAs: 'file',

  async load(artifacts, given) {
    const [weights, vocabulary] = artifacts;
    if (weights?.kind !== 'file') throw new Error('the gguf engine needs its weights as a private file');
    const { threads, context_tokens: contextSize, chat_template: template } = settings.parse(given);
    const llama = await getLlama({ build: 'never', gpu: false, maxThreads: threads, logLevel: LlamaLogLevel.error });
    // No mmap: the file is a private copy that is gone once it is loaded.
    const model = await llama.loadModel({ modelPath: weights.path, useMmap: false });
    const context = await model.createContext({ contextSize, threads, sequences: 1 });
    const prompter = new Prompter(model, template ?? templateOf(model));
    return new Gguf(model, context.getSequence(), prompter, contextSize, await wordsOf(vocabulary));
  },
};

/** The words are read once, from the verified private copy. */
async function wordsOf(artifact: Verified<EngineArtifact> | undefined): Promise<string> {
  if (!artifact) return '';
  return artifact.kind === 'file' ? readFile(artifact.path, 'utf8') : new TextDecoder().decode(artifact.bytes);
}

function templateOf(model: LlamaModel): string {
  const template = model.fileInfo.metadata.tokenizer?.chat_template;
  if (!template) throw new Error('the GGUF has no chat template: set chat_template in the settings of the model');
  return template;
}

class Gguf implements LoadedEngine<LlmWork, LlmPiece> {
  readonly #model: LlamaModel;
  readonly #sequence: LlamaContextSequence;
  readonly #prompter: Prompter;
  readonly #contextTokens: number;
  readonly #vocabulary: string;
  /** One sequence, one answer at a time: the next waits for the one before. */
  #turn: Promise<void> = Promise.resolve();

  constructor(model: LlamaModel, sequence: LlamaContextSequence, prompter: Prompter, contextTokens: number, vocabulary: string) {
    this.#model = model;
    this.#sequence = sequence;
    this.#prompter = prompter;
    this.#contextTokens = contextTokens;
    this.#vocabulary = vocabulary;
  }

  async *run(work: LlmWork, signal: AbortSignal): AsyncIterable<LlmPiece> {
    switch (work.kind) {
      case 'generate':
        return yield* this.#generate(work, signal);
      case 'count-prompt':
        return yield { kind: 'count', tokens: this.#prompter.prompt(work.messages).length };
      case 'count-text':
        return yield { kind: 'count', tokens: this.#model.tokenize(work.text).length };
      case 'vocabulary':
        return yield { kind: 'vocabulary', text: this.#vocabulary };
    }
  }

  async *#generate(work: Extract<LlmWork, { kind: 'generate' }>, signal: AbortSignal): AsyncIterable<LlmPiece> {
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = done;
    try {
      await before;
      if (signal.aborted) return;
      yield* this.#evaluate(work, signal);
    } finally {
      finish();
    }
  }

  async *#evaluate(work: Extract<LlmWork, { kind: 'generate' }>, signal: AbortSignal): AsyncIterable<LlmPiece> {
    const prompt = this.#prompter.prompt(work.messages);
    const room = this.#contextTokens - prompt.length - 1;
    if (room <= 0) return yield { kind: 'end', reason: 'too-long' };
    yield { kind: 'prompt', tokens: prompt.length };
    const limit = Math.min(work.maxTokens, room);
    await this.#sequence.clearHistory();
    const text = new TokenText(this.#model);
    let count = 0;
    for await (const { token, confidence } of this.#sequence.evaluateWithMetadata(
      prompt,
      { confidence: true },
      { ...sampling(work), ...(await this.#heldTo(work.grammar)) },
    )) {
      if (signal.aborted) return;
      if (this.#model.isEogToken(token)) return yield { kind: 'end', reason: 'stop' };
      if (count === limit) break;
      count += 1;
      yield { kind: 'token', text: text.add(token), tokens: 1, logProb: Math.log(Math.max(confidence, Number.MIN_VALUE)) };
    }
    yield { kind: 'end', reason: 'length' };
  }

  async #heldTo(grammar: string | undefined) {
    if (grammar === undefined) return {};
    const held = await this.#model.llama.createGrammar({ grammar });
    return { grammarEvaluationState: new LlamaGrammarEvaluationState({ model: this.#model, grammar: held }) };
  }
}

function sampling({ temperature, seed }: Extract<LlmWork, { kind: 'generate' }>) {
  return { temperature, seed, yieldEogToken: true };
}
