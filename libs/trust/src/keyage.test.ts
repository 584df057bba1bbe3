import { describe, expect, it } from 'vitest';
import { keyStage } from './keyage.ts';

const DAY_MS = 86_400_000;
const life = { fromUnixMs: Date.UTC(2030, 0, 1), toUnixMs: Date.UTC(2030, 0, 1) + 90 * DAY_MS };
const onDay = (day: number) => keyStage(life, life.fromUnixMs + day * DAY_MS);

describe('a signing key of 90 days', () => {
  it.each([
    ['is fresh', 'fresh', [0, 1, 74, 74.99]],
    ['is to be rotated from day 75', 'warning', [75, 80, 84.99]],
    ['must be rotated from day 85, and once it is over', 'alert', [85, 89, 90, 400]],
  ])('%s', (_what, stage, days) => expect(days.map(onDay)).toEqual(days.map(() => stage)));
});
