import { getLlama, LlamaGrammarEvaluationState, type LlamaContextSequence, type LlamaModel, type Token } from 'node-llama-cpp';
import { normalise } from '../../../../services/llm/src/normalise.ts';
import { callGrammar } from '../../../../services/llm/src/tools/grammar.ts';

/** What a model said, and how sure it was. */
export interface Said {
  readonly text: string;
  /** Mean natural logarithm of the tokens' probabilities, without the end, as the LLM service counts it. */
  readonly meanLogProb: number;
  readonly tokens: number;
  readonly seconds: number;
}

/** A turn that has been: what was asked, and what the listener heard. */
interface Before {
  readonly question: string;
  readonly heard: string;
}

/** Longest answer of the corpus is about 45 tokens. */
const ANSWER_TOKENS_MAX = 64;

/** A loaded nano model that answers one question at a time, on one thread, always with the likeliest token. */
export class Nano implements AsyncDisposable {
  readonly #model: LlamaModel;
  readonly #sequence: LlamaContextSequence;

  private constructor(model: LlamaModel, sequence: LlamaContextSequence) {
    this.#model = model;
    this.#sequence = sequence;
  }

  static async load(path: string): Promise<Nano> {
    const llama = await getLlama({ build: 'never', gpu: false, maxThreads: 1, progressLogs: false });
    const model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext({ contextSize: model.trainContextSize, threads: 1 });
    return new Nano(model, context.getSequence());
  }

  /** Answers as the LLM service asks: the same normaliser and grammar, the prompt of the file's chat template, temperature 0. */
  async ask(question: string, before: readonly Before[] = []): Promise<Said> {
    const turns = before.map((turn) => `<|user|>${normalise(turn.question)}<|assistant|>${turn.heard}</s>`);
    const prompt = this.tokenize(`<s>${turns.join('')}<|user|>${normalise(question)}<|assistant|>`);
    await this.#sequence.clearHistory();
    const began = performance.now();
    const options = { temperature: 0, yieldEogToken: true, ...(await this.#heldTo(question, before)) };
    const tokens: Token[] = [];
    const logProbs: number[] = [];
    for await (const { token, confidence } of this.#sequence.evaluateWithMetadata(prompt, { confidence: true }, options)) {
      if (this.#model.isEogToken(token) || tokens.length >= ANSWER_TOKENS_MAX) break;
      tokens.push(token);
      logProbs.push(Math.log(Math.max(confidence, Number.MIN_VALUE)));
    }
    const meanLogProb = logProbs.reduce((sum, each) => sum + each, 0) / Math.max(1, logProbs.length);
    return { text: this.#model.detokenize(tokens).trim(), meanLogProb, tokens: logProbs.length, seconds: (performance.now() - began) / 1000 };
  }

  async #heldTo(question: string, before: readonly Before[]) {
    const conversation = [...before.flatMap((turn) => [normalise(turn.question), normalise(turn.heard)]), normalise(question)].join(' ');
    const grammar = callGrammar(normalise(question), conversation);
    if (grammar === undefined) return {};
    return { grammarEvaluationState: new LlamaGrammarEvaluationState({ model: this.#model, grammar: await this.#model.llama.createGrammar({ grammar }) }) };
  }

  tokenize(text: string): Token[] {
    return this.#model.tokenize(text, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.dispose();
  }
}
