import { Agreement } from './agree.ts';
import { nextLength } from './hops.ts';

/** A growing segment that is looked at again and again, at most one look at a time. */
export class Partials {
  readonly #look: (start: number, end: number) => Promise<string | undefined>;
  readonly #changed: () => void;
  #agreement = new Agreement();
  #start: number | undefined;
  #heard = 0;
  #decoded = 0;
  #looking = false;

  /** `look` decodes samples of the utterance, or gives undefined when it has no time; `changed` is told of new stable words. */
  constructor(look: (start: number, end: number) => Promise<string | undefined>, changed: () => void) {
    this.#look = look;
    this.#changed = changed;
  }

  /** The stable words of the segment that is being spoken. */
  get text(): string {
    return this.#agreement.text;
  }

  /** Tells where the open segment begins (undefined: there is none) and how far the utterance has been heard, in samples. */
  grow(start: number | undefined, heard: number): void {
    if (start !== this.#start) {
      this.#start = start;
      this.#decoded = 0;
      this.#agreement = new Agreement();
    }
    this.#heard = heard;
    if (!this.#looking) void this.#lookOn();
  }

  async #lookOn(): Promise<void> {
    this.#looking = true;
    try {
      while (await this.#lookOnce());
    } finally {
      this.#looking = false;
    }
  }

  /** False when there is nothing more to look at for now. */
  async #lookOnce(): Promise<boolean> {
    const start = this.#start;
    const length = start === undefined ? undefined : nextLength(this.#decoded, this.#heard - start);
    if (start === undefined || length === undefined) return false;
    const hypothesis = await this.#look(start, start + length);
    if (hypothesis === undefined) return false;
    if (start === this.#start) this.#agree(hypothesis, length);
    return true;
  }

  #agree(hypothesis: string, length: number): void {
    this.#decoded = length;
    const before = this.text;
    if (this.#agreement.push(hypothesis) !== before) this.#changed();
  }
}
