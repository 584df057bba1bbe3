/** Tokens of the LLaMA SentencePiece vocabulary; ids run from 0 to one below this. */
export const LLAMA_VOCABULARY_SIZE = 32_000;

/** The constant of llama-tokenizer.js that holds the vocabulary: base64 of UTF-8 tokens, one a line, in order of their ids. */
const CONSTANT = /^const llama_vocab_base64 = "([A-Za-z0-9+/]+={0,2})";?\r?$/m;

/** Where known tokens must stand, so that a re-ordered or cut list is noticed here and not as odd words much later. */
const LANDMARKS: readonly (readonly [id: number, token: string])[] = [
  [0, '<unk>'],
  [1, '<s>'],
  [2, '</s>'],
  [3, '<0x00>'],
  [258, '<0xFF>'],
  [29_871, '▁'],
];

/**
 * The extraction `llama-vocabulary` of the pack: makes a data file from the source text of llama-tokenizer.js without running it.
 *
 * The result is UTF-8: 32000 tokens, each followed by one line feed except the last; line i (from 0) is the token with id i.
 * No token contains a line feed: the byte token `<0x0A>` stands for it. Equal source gives equal bytes.
 * Throws an Error that says what is wrong when the source is not as expected.
 */
export function extractLlamaVocabulary(source: string): Uint8Array {
  const encoded = CONSTANT.exec(source)?.[1];
  if (encoded === undefined) throw new Error('llama-tokenizer.js has no constant llama_vocab_base64 of base64 text; use the pinned version');
  const bytes = new Uint8Array(Buffer.from(encoded, 'base64'));
  assertVocabulary(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\n'));
  return bytes;
}

function assertVocabulary(tokens: readonly string[]): void {
  if (tokens.length !== LLAMA_VOCABULARY_SIZE) {
    throw new Error(`llama_vocab_base64 holds ${tokens.length} tokens, expected ${LLAMA_VOCABULARY_SIZE}; use the pinned version`);
  }
  for (const [id, token] of LANDMARKS) {
    if (tokens[id] !== token) throw new Error(`llama_vocab_base64 has ${JSON.stringify(tokens[id])} as token ${id}, expected ${JSON.stringify(token)}`);
  }
}
