import type { EngineModule } from '@smartlite/chassis';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { LlmPiece, LlmWork } from '../engine.ts';
import { normalise } from '../normalise.ts';

// The last resort: fixed answers out of a signed list. Slow to learn, impossible to surprise.

const phrasebook = z.strictObject({
  format: z.literal('smartlite-phrasebook/1'),
  /** The first entry all of whose words are in the question answers. */
  entries: z.array(z.strictObject({ words: z.array(z.string()).min(1), answer: z.string().min(1) })),
  otherwise: z.string().min(1),
});

export const engine: EngineModule<LlmWork, LlmPiece> = {
  artifactsAs: 'bytes',

  async load([artifact]) {
    if (!artifact) throw new Error('the phrasebook engine needs its phrasebook');
    const text = artifact.kind === 'bytes' ? new TextDecoder().decode(artifact.bytes) : await readFile(artifact.path, 'utf8');
    const book = phrasebook.parse(JSON.parse(text));

    return {
      async *run(work: LlmWork): AsyncIterable<LlmPiece> {
        if (work.kind === 'count-text') return yield { kind: 'count', tokens: wordsOf(work.text).length };
        if (work.kind === 'vocabulary') return yield { kind: 'vocabulary', text: '' };
        const prompt = work.messages.reduce((sum, { content }) => sum + wordsOf(content).length, 0);
        if (work.kind === 'count-prompt') return yield { kind: 'count', tokens: prompt };
        yield { kind: 'prompt', tokens: prompt };
        yield* speak(answerTo(book, work.messages.at(-1)?.content ?? ''), work.maxTokens);
      },
    };
  },
};

function answerTo({ entries, otherwise }: z.infer<typeof phrasebook>, question: string): string {
  const asked = new Set(normalise(question).split(' '));
  return entries.find(({ words }) => words.every((word) => asked.has(word)))?.answer ?? otherwise;
}

/** A phrasebook's token is a word. */
function* speak(answer: string, maxTokens: number): Iterable<LlmPiece> {
  const words = answer.match(/\s*\S+/g) ?? [];
  for (const text of words.slice(0, maxTokens)) yield { kind: 'token', text, tokens: 1, logProb: null };
  yield { kind: 'end', reason: words.length > maxTokens ? 'length' : 'stop' };
}

function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
