import { type GenerateResponse, SaidFrom } from '@smartlite/contracts';

/** The end of a sentence with something after it. A dot in a number or an abbreviation lets the answer go a little early: no harm. */
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*\s|\n/u;
/** Whoever writes no sentences is not held back for longer than one lasts. */
const SENTENCE_CHARACTERS_MAX = 240;

/** For one try at an answer: told of each response in turn, tells whether the answer counts as said with it. */
export function saidFrom(from: SaidFrom): (response: GenerateResponse) => boolean {
  let text = '';
  return ({ kind }) => {
    if (kind?.$case === 'done') return true;
    if (kind?.$case === 'chunk') text += kind.value.text;
    if (from === SaidFrom.SAID_FROM_END) return false;
    if (from !== SaidFrom.SAID_FROM_FIRST_SENTENCE) return text !== '';
    return SENTENCE_END.test(text.trimStart()) || text.length > SENTENCE_CHARACTERS_MAX;
  };
}
