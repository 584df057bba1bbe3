/** The words of a text, comparable: lower case, without punctuation. */
function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .replace(/['’]/g, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

/** Word error rate of a text against a reference, at most 1: insertions, deletions and substitutions for each word of the reference. */
export function wordErrorRate(reference: string, hypothesis: string): number {
  const wanted = wordsOf(reference);
  const heard = wordsOf(hypothesis);
  if (wanted.length === 0) return heard.length === 0 ? 0 : 1;
  let row = Array.from({ length: wanted.length + 1 }, (_, index) => index);
  for (const [index, word] of heard.entries()) {
    const next = [index + 1];
    for (const [at, other] of wanted.entries())
      next.push(Math.min((row[at] ?? 0) + (word === other ? 0 : 1), (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    row = next;
  }
  return Math.min(1, (row.at(-1) ?? 0) / wanted.length);
}

/** How far two lengths are apart, as a share of the longer one. */
export function lengthDisagreement(one: number, other: number): number {
  const longer = Math.max(one, other);
  return longer === 0 ? 0 : Math.abs(one - other) / longer;
}
