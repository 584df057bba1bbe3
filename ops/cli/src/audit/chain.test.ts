import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ProducerChains } from './chain.ts';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
function entry(counter: number, more: object = {}): Buffer {
  const previous = counter === 1 ? null : digest(entry(counter - 1));
  return Buffer.from(
    JSON.stringify({
      id: `llm-1.b0.${counter}`,
      producer: 'llm-1',
      boot: 'b0',
      counter,
      kind: 'call.served',
      previous,
      facts: {},
      ...more,
    }),
  );
}
const log = { id: 'audit-log.log.1', producer: 'audit-log', boot: 'log', counter: 1, previous: null };
const gap = (from: number, to: number) =>
  Buffer.from(JSON.stringify({ ...log, kind: 'trail.gap', facts: { producer: 'llm-1', boot: 'b0', from, to } }));

function judge(...entries: readonly Uint8Array[]) {
  const chains = new ProducerChains();
  entries.forEach((each, index) => chains.read(each, index));
  return chains.findings.map(({ code, where }) => `${code} ${where}`);
}

describe('a log whose producers are complete', () => {
  it('gives no finding, nor does a gap that the log itself has named, with its stragglers', () => {
    expect(judge(entry(1), entry(2), entry(3))).toEqual([]);
    expect(judge(entry(1), gap(2, 3), entry(4), entry(3))).toEqual([]);
  });

  it('is judged at once however long the gap is that the log has named', () => {
    const [most, first] = [Number.MAX_SAFE_INTEGER, entry(1)];
    const last = entry(1, { counter: most, id: `llm-1.b0.${most}` });
    expect(judge(first, gap(2, most - 1), last)).toEqual([]);
    expect(judge(first, gap(2, most - 2), last)).toEqual(['ENTRY_GAP entry 2']);
  });
});

describe('a log that was signed anew', () => {
  it('is not excused by a gap that another than the log has named', () => {
    const told = JSON.parse(gap(2, 2).toString()) as object;
    expect(judge(entry(1), Buffer.from(JSON.stringify({ ...told, producer: 'tts-1' })), entry(3))).toContain('ENTRY_GAP entry 2');
  });

  it('is found out when an entry was left out, doubled or replaced', () => {
    expect(judge(entry(1), entry(3))).toEqual(['ENTRY_GAP entry 1']);
    expect(judge(entry(1), entry(2), entry(2))).toEqual(['ENTRY_DOUBLED entry 2']);
    expect(judge(entry(1, { actor: 'mallory' }), entry(2))).toEqual(['ENTRY_UNCHAINED entry 1']);
    expect(judge(Buffer.from('rubbish'))).toEqual(['ENTRY_UNREADABLE entry 0']);
  });

  it('is not blamed for a broken chain that the log has named', () => {
    const named = Buffer.from(JSON.stringify({ ...log, kind: 'trail.equivocation', facts: { entry: 'llm-1.b0.2' } }));
    expect(judge(entry(1, { actor: 'mallory' }), entry(2), named)).toEqual([]);
  });
});
