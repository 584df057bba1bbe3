/** How long a voice takes for a letter, at a usual rate: for the sentence whose end has not been made yet. */
const MS_PER_CHARACTER = 65;

interface Sentence {
  readonly text: string;
  ms: number;
  whole: boolean;
}

/** What an answer says aloud, and how long each sentence of it sounds: so that it can be told how much of it somebody has heard. */
export class Said {
  readonly #sentences: Sentence[] = [];

  /** A sentence begins to sound. Those before it are whole. */
  sentence(text: string): void {
    this.end();
    this.#sentences.push({ text, ms: 0, whole: false });
  }

  /** So much more of the sentence sounds. */
  sound(ms: number): void {
    const last = this.#sentences.at(-1);
    if (last !== undefined) last.ms += ms;
  }

  /** The last sentence is whole. */
  end(): void {
    const last = this.#sentences.at(-1);
    if (last !== undefined) last.whole = true;
  }

  /** All that sounds, in milliseconds. */
  get ms(): number {
    return this.#sentences.reduce((sum, { ms }) => sum + ms, 0);
  }

  /** The words that somebody has heard who heard it for so long: a word counts once it is over. */
  heard(ms: number): string {
    const texts: string[] = [];
    let left = ms;
    for (const { text, ms: soundsMs, whole } of this.#sentences) {
      const lengthMs = whole ? soundsMs : Math.max(soundsMs, text.length * MS_PER_CHARACTER);
      texts.push(left >= lengthMs ? text : beginning(text, left / lengthMs));
      left -= lengthMs;
      if (left <= 0) break;
    }
    return texts.filter((text) => text !== '').join(' ');
  }
}

/** Whole words of the first part of a text. */
function beginning(text: string, share: number): string {
  const words = text.slice(0, Math.floor(text.length * share) + 1).split(' ');
  return words.slice(0, -1).join(' ');
}
