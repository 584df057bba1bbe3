/** A sentence longer than this is cut at a comma or a space: nobody waits that long for the first sound. */
const SENTENCE_CHARS_MAX = 240;
/** After these a full stop ends no sentence. */
const ABBREVIATION =
  /(?:^|[\s("'])(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|no|approx|dept|fig|e\.g|i\.e|a\.m|p\.m|u\.s|[a-z])\.["')]?\s*$/i;

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Cuts text that comes token by token into sentences, each as soon as it is certain that it has ended. Nothing is lost or changed. */
export class SentenceCutter {
  #pending = '';

  /** Sentences that `text` completes. The last one waits until something follows it. */
  push(text: string): readonly string[] {
    this.#pending += text;
    const parts = sentencesOf(this.#pending);
    const last = parts.pop() ?? '';
    const { ready, rest } = shorten(last);
    this.#pending = rest;
    return [...parts, ...ready].filter(isSpeakable);
  }

  /** What is left. */
  end(): readonly string[] {
    const parts = sentencesOf(this.#pending);
    this.#pending = '';
    return parts
      .flatMap((part) => {
        const { ready, rest } = shorten(part);
        return [...ready, rest];
      })
      .filter(isSpeakable);
  }
}

/** UAX 29 sentences, joined again where the full stop belonged to an abbreviation. */
function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let open = '';
  for (const { segment } of segmenter.segment(text)) {
    open += segment;
    if (ABBREVIATION.test(open)) continue;
    sentences.push(open);
    open = '';
  }
  if (open !== '') sentences.push(open);
  return sentences;
}

function shorten(sentence: string): { readonly ready: readonly string[]; readonly rest: string } {
  const ready: string[] = [];
  let rest = sentence;
  while (rest.length > SENTENCE_CHARS_MAX) {
    const head = rest.slice(0, SENTENCE_CHARS_MAX);
    const [pause, space] = [Math.max(head.lastIndexOf(', '), head.lastIndexOf('; ')) + 1, Math.max(head.lastIndexOf(' '), 0)];
    // Without either it is cut where it is, but within no character.
    const at = pause || space || head.length - (head.isWellFormed() ? 0 : 1);
    ready.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return { ready, rest };
}

function isSpeakable(sentence: string): boolean {
  return /[\p{L}\p{N}]/u.test(sentence);
}
