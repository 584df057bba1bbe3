/**
 * LocalAgreement-2 (Liu et al. 2020; Macháček et al. 2023): of a growing stretch of audio that is decoded again and again, the words
 * on which two successive hypotheses agree are stable, and are never taken back.
 */
export class Agreement {
  #previous: readonly string[] = [];
  #stable: readonly string[] = [];

  /** Takes the next hypothesis of the same growing audio; gives the stable text so far. */
  push(hypothesis: string): string {
    const words = hypothesis.split(/\s+/).filter((word) => word !== '');
    const agreed = commonPrefix(this.#previous, words);
    if (agreed > this.#stable.length && commonPrefix(this.#stable, words) === this.#stable.length) {
      this.#stable = [...this.#stable, ...words.slice(this.#stable.length, agreed)];
    }
    this.#previous = words;
    return this.text;
  }

  get text(): string {
    return this.#stable.join(' ');
  }
}

function commonPrefix(one: readonly string[], other: readonly string[]): number {
  let count = 0;
  while (count < one.length && count < other.length && bare(one[count]) === bare(other[count])) count += 1;
  return count;
}

/** Recognisers change their mind about commas and capitals long after the word is certain. */
function bare(word: string | undefined): string {
  return (word ?? '').toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
