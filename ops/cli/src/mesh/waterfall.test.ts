import type { SpanRecord } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { drawWaterfall, waterfall } from './waterfall.ts';

function span(spanId: string, parentSpanId: string | null, fromMs: number, toMs: number): SpanRecord {
  const nano = (ms: number) => String(1_700_000_000_000_000_000n + BigInt(ms * 1_000_000));
  return {
    traceId: 't',
    spanId,
    parentSpanId,
    name: `call ${spanId}`,
    kind: 1,
    service: 'asr',
    instance: 'asr-1',
    startUnixNano: nano(fromMs),
    endUnixNano: nano(toMs),
    status: 'ok',
    attributes: {},
    events: [],
  };
}

describe('a trace whose spans are all there', () => {
  it('is drawn as a tree, each child under its parent and in order of start', () => {
    const rows = waterfall([span('c', 'a', 50, 60), span('b', 'a', 10, 40), span('a', null, 0, 100), span('d', 'b', 20, 30)]);
    expect(rows.map(({ span: { spanId }, depth }) => [spanId, depth])).toEqual([
      ['a', 0],
      ['b', 1],
      ['d', 2],
      ['c', 1],
    ]);
  });

  it('says below which models answered and why, and why a tier was chosen', () => {
    const named = { 'gen_ai.response.model': 'tiny', 'smartlite.because': 'primary of tier quick' };
    const spans = [
      { ...span('a', null, 0, 9), service: 'gateway' as const, attributes: { 'smartlite.asr_because': 'tier quick was chosen' } },
      { ...span('b', 'a', 1, 2), attributes: named },
    ];
    const lines = drawWaterfall(waterfall(spans)).split('\n');
    expect(lines.slice(2)).toEqual(['gateway: tier quick was chosen', 'asr by tiny: primary of tier quick']);
  });

  it('gives times from its first start', () => {
    expect(waterfall([span('a', null, 5, 105), span('b', 'a', 10, 40)]).map(({ startMs, tookMs }) => [startMs, tookMs])).toEqual([
      [0, 100],
      [5, 30],
    ]);
  });

  it('draws every row to the same width', () => {
    const lines = drawWaterfall(waterfall([span('a', null, 0, 100), span('b', 'a', 99, 100)])).split('\n');
    expect(new Set(lines.map((line) => line.lastIndexOf('|'))).size).toBe(1);
  });
});

describe('a trace that has lost a parent', () => {
  it('still shows what it has', () => {
    expect(waterfall([span('b', 'gone', 10, 40)]).map(({ depth }) => depth)).toEqual([0]);
  });
});
