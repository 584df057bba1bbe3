import { describe, expect, it } from 'vitest';
import type { EngineArtifact } from '@smartlite/chassis';
import type { Verified } from '@smartlite/trust';
import { readFile } from 'node:fs/promises';
import type { LlmPiece, LlmWork } from '../engine.ts';
import { engine } from './phrasebook.ts';

/** The engine is tried on bytes alone; that only verified ones reach it is the engine host's own test. */
async function load(text: string) {
  const artifact: EngineArtifact = { kind: 'bytes', id: 'book', digest: 'sha256:00', bytes: Buffer.from(text) };
  return engine.load([artifact as Verified<EngineArtifact>], {});
}
const committed = () => readFile(new URL('../../../../ops/models/phrasebook/phrasebook.json', import.meta.url), 'utf8');
const ask = async (question: string, maxTokens = 50) => {
  const work: LlmWork = { kind: 'generate', messages: [{ role: 'user', content: question }], maxTokens, temperature: 0, seed: 0 };
  const pieces: LlmPiece[] = [];
  for await (const piece of (await load(await committed())).run(work, new AbortController().signal)) pieces.push(piece);
  return pieces;
};
const textOf = (pieces: readonly LlmPiece[]) => pieces.map((piece) => (piece.kind === 'token' ? piece.text : '')).join('');

describe('the committed phrasebook', () => {
  it('answers by the words of the question, however they are written', async () => {
    expect(textOf(await ask('Um, WHO are you?'))).toContain('I am SmartLite');
  });

  it('says that the model is away when it has no phrase', async () => {
    expect(textOf(await ask('What is quantum entanglement?'))).toContain('away');
  });

  it('stops at the token budget and says so', async () => {
    const pieces = await ask('hello', 3);
    expect(pieces.filter((piece) => piece.kind === 'token')).toHaveLength(3);
    expect(pieces.at(-1)).toEqual({ kind: 'end', reason: 'length' });
  });

  it('counts as many tokens as it streams', async () => {
    const pieces = await ask('hello');
    const counted: LlmPiece[] = [];
    for await (const piece of (await load(await committed())).run(
      { kind: 'count-text', text: textOf(pieces) },
      new AbortController().signal,
    ))
      counted.push(piece);
    expect(counted).toEqual([{ kind: 'count', tokens: pieces.filter((piece) => piece.kind === 'token').length }]);
  });
});

describe('a phrasebook that is none', () => {
  it.each(['', '{', '[]', '{"format":"smartlite-phrasebook/1","entries":[],"otherwise":""}'])(
    'is refused at load: %s',
    async (text) => {
      await expect(load(text)).rejects.toThrow();
    },
  );
});
