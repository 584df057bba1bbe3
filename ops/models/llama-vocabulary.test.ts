import { describe, expect, it } from 'vitest';
import { extractLlamaVocabulary, LLAMA_VOCABULARY_SIZE } from './llama-vocabulary.ts';

/** A vocabulary of the right size and landmarks, with made-up words between. */
function tokens(): string[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const words = Array.from({ length: LLAMA_VOCABULARY_SIZE - 259 }, (_, index) => (index === 29_871 - 259 ? '▁' : `▁word${index}`));
  return ['<unk>', '<s>', '</s>', ...bytes, ...words];
}

function source(list: readonly string[]): string {
  return `throw new Error('run');\nconst llama_vocab_base64 = "${Buffer.from(list.join('\n')).toString('base64')}"\nconst other = 1\n`;
}

describe('a source with the whole vocabulary', () => {
  it('gives one token a line in order of their ids, and never runs the source', () => {
    const list = tokens();
    expect(new TextDecoder().decode(extractLlamaVocabulary(source(list))).split('\n')).toEqual(list);
  });
});

describe('a source that is not as expected', () => {
  it('is refused when the constant is missing', () => {
    expect(() => extractLlamaVocabulary('export default 1;\n')).toThrow(/no constant llama_vocab_base64/);
  });

  it('is refused when a token is missing', () => {
    expect(() => extractLlamaVocabulary(source(tokens().slice(0, -1)))).toThrow(/31999 tokens, expected 32000/);
  });

  it('is refused when tokens have changed places', () => {
    const list = tokens();
    [list[2], list[1]] = [list[1] as string, list[2] as string];
    expect(() => extractLlamaVocabulary(source(list))).toThrow(/as token 1, expected "<s>"/);
  });
});
