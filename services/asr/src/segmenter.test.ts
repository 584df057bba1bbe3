import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_SAMPLES } from './engine.ts';
import { samplesIn } from './pcm.ts';
import { type Frame, type Segment, Segmenter } from './segmenter.ts';

const SPEECH: Frame = { probability: 0.95, level: 0.1 };
const SILENCE: Frame = { probability: 0.02, level: 0.0001 };
const framesFor = (ms: number) => Math.round(samplesIn(ms) / FRAME_SAMPLES);

/** Alternating milliseconds of silence and speech, silence first. */
function frames(...ms: number[]): Frame[] {
  return ms.flatMap((length, index) => Array.from({ length: framesFor(length) }, () => (index % 2 === 0 ? SILENCE : SPEECH)));
}

function segmentsOf(all: readonly Frame[]): { segments: Segment[]; segmenter: Segmenter } {
  const segmenter = new Segmenter();
  const pushed = all.map((frame) => segmenter.push(frame));
  const segments = [...pushed, segmenter.end(all.length * FRAME_SAMPLES)].filter((segment) => segment !== undefined);
  return { segments, segmenter };
}

const lengthMs = ({ start, end }: Segment) => ((end - start) / samplesIn(1000)) * 1000;

describe('a short utterance', () => {
  it('is one segment with at least 0.3 s kept before and after the speech', () => {
    const [segment] = segmentsOf(frames(1000, 1500, 1000)).segments;
    expect(segment?.start).toBeLessThanOrEqual(samplesIn(700));
    expect(segment?.end).toBeGreaterThanOrEqual(samplesIn(2800));
  });

  it('is decoded whole: pauses inside it do not cut it', () => {
    expect(segmentsOf(frames(200, 1000, 900, 1000, 900, 1000, 300)).segments).toHaveLength(1);
  });

  it('begins at its first sample when it begins with speech, and ends at its last when it ends with speech', () => {
    expect(segmentsOf(frames(0, 1600)).segments).toEqual([{ start: 0, end: framesFor(1600) * FRAME_SAMPLES }]);
  });
});

describe('silence and short noises', () => {
  it('are no speech and make no segment', () => {
    const { segments, segmenter } = segmentsOf(frames(1000, 64, 3000));
    expect(segments).toEqual([]);
    expect(segmenter.heardSpeech).toBe(false);
  });
});

describe('a long silence', () => {
  it('ends a segment while the caller is still listening', () => {
    const segmenter = new Segmenter();
    const during = frames(200, 1000, 2000).map((frame) => segmenter.push(frame));
    expect(during.filter((segment) => segment !== undefined)).toHaveLength(1);
    expect(segmenter.openFrom).toBeUndefined();
  });
});

describe('more than eight seconds of speech', () => {
  it('is cut in its latest pause', () => {
    const [first] = segmentsOf(frames(0, 3000, 400, 2000, 400, 4000)).segments;
    expect(lengthMs(first as Segment)).toBeGreaterThan(5400);
    expect(lengthMs(first as Segment)).toBeLessThan(5800);
  });

  it('is cut at its quietest point when it has no pause', () => {
    const all = frames(0, 9000);
    const quiet = framesFor(5000);
    for (const offset of [-1, 0, 1]) all[quiet + offset] = { probability: 0.9, level: 0.01 };
    const [first] = segmentsOf(all).segments;
    expect(Math.abs((first as Segment).end - quiet * FRAME_SAMPLES)).toBeLessThanOrEqual(FRAME_SAMPLES);
  });
});

describe('the pause after speech', () => {
  it('is measured from the last speech, and is none before the first', () => {
    const segmenter = new Segmenter();
    for (const frame of frames(2000)) segmenter.push(frame);
    expect(segmenter.pause).toBe(0);
    for (const frame of frames(0, 1000, 640)) segmenter.push(frame);
    expect(segmenter.pause).toBe(framesFor(640) * FRAME_SAMPLES);
  });
});

describe('any utterance', () => {
  const anyFrame = fc.record({
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
    level: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it('gives segments in order, without overlap, inside the audio, none much longer than the most', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 1200 }), (all) => {
        let last = 0;
        for (const { start, end } of segmentsOf(all).segments) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(all.length * FRAME_SAMPLES);
          expect(lengthMs({ start, end })).toBeLessThan(10_500);
          last = end;
        }
      }),
    );
  });

  it('loses no sure speech of more than a moment', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 200, max: 12_000 }), { minLength: 2, maxLength: 8 }), (ms) => {
        const all = frames(...ms);
        const { segments } = segmentsOf(all);
        for (const [index, { probability }] of all.entries()) {
          if (probability < 0.5) continue;
          const at = index * FRAME_SAMPLES;
          expect(segments.some(({ start, end }) => start <= at && at + FRAME_SAMPLES <= end)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});
