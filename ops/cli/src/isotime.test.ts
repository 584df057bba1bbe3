import { describe, expect, it } from 'vitest';
import { parseIsoTime } from './isotime.ts';

describe('a time given as an option', () => {
  it.each([
    ['2027-01-31T12:00:00Z', Date.UTC(2027, 0, 31, 12)],
    ['2027-01-31T12:00:00+02:00', Date.UTC(2027, 0, 31, 10)],
    ['2027-01-31', Date.UTC(2027, 0, 31)],
  ])('is read: %s', (text, ms) => expect(parseIsoTime(text, '--now')).toBe(ms));

  it.each(['', 'banana', 'banana 12', '2026-13-45', '2026-02-30', '1', '2027-01-31 12:00'])('is misuse: "%s"', (text) => {
    expect(() => parseIsoTime(text, '--now')).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
