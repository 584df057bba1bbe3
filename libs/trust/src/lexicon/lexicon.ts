import { z } from 'zod';
import { readIpa } from './ipa.ts';
import type { Phoneme } from './sounds.ts';

/** Most terms of a lexicon: every transcript and every spoken text is looked through for each. */
const TERMS_MAX = 10_000;

/** A word or a few: markup, phoneme brackets and control characters have no place in a name. */
const term = z
  .string()
  .min(1)
  .max(100)
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} .'’+#_/-]*[\p{L}\p{N}+#])?$/u,
    'give a word or a name: letters, digits, and . - _ + # / between them',
  );

const pronunciation = z.strictObject({ term, ipa: z.string().min(1).max(100) }).superRefine(({ term: word, ipa }, context) => {
  const reading = readIpa(ipa);
  if (reading.kind === 'read') return;
  const message = `pronunciation of ${JSON.stringify(word)}, character ${reading.position}: ${reading.problem}`;
  context.addIssue({ code: 'custom', path: ['ipa'], message });
});

/** How terms are spoken and written. It is part of the pack, so it is signed with it. */
export const lexiconSchema = z.strictObject({
  pronunciations: z
    .array(pronunciation)
    .max(TERMS_MAX)
    .describe('Terms with their pronunciation in IPA: spoken so by every voice, and written so when they are heard.'),
  domain_terms: z.array(term).max(TERMS_MAX).describe('Terms that are written so when they are heard.'),
});

/** A term of the lexicon. Without phonemes it is known by its spelling alone. */
export interface LexiconTerm {
  readonly term: string;
  readonly phonemes: readonly Phoneme[];
}

/** The terms of a parsed pack's lexicon: those with a pronunciation, then the other domain terms. */
export function lexiconTerms({ pronunciations, domain_terms: domain }: z.infer<typeof lexiconSchema>): readonly LexiconTerm[] {
  const spoken = pronunciations.map(({ term: word, ipa }) => {
    const reading = readIpa(ipa);
    return { term: word, phonemes: reading.kind === 'read' ? reading.phonemes : [] };
  });
  const known = new Set(spoken.map(({ term: word }) => word));
  return [...spoken, ...domain.filter((word) => !known.has(word)).map((word) => ({ term: word, phonemes: [] }))];
}
