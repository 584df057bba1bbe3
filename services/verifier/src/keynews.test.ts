import { describe, expect, it } from 'vitest';
import { KeyWatch } from './keynews.ts';

const DAY_MS = 86_400_000;
const key = (keyId: string, fromDay = 0) => ({ keyId, fromUnixMs: fromDay * DAY_MS, toUnixMs: (fromDay + 90) * DAY_MS });

/** What is told when the lock is verified on these days, each with the key that signs it then. */
function told(...verifications: readonly (readonly [day: number, key: ReturnType<typeof key>])[]): string[] {
  const watch = new KeyWatch();
  return verifications.flatMap(([day, signing]) =>
    watch
      .take(signing, day * DAY_MS)
      .map((news) => `${day} ${news.kind} ${news.key.keyId}${news.kind === 'expiring' ? ` ${news.stage} ${news.daysLeft}` : ''}`),
  );
}

describe('the news of a signing key', () => {
  it('are none while it is fresh', () => expect(told([0, key('a')], [40, key('a')], [74.9, key('a')])).toEqual([]));

  it('are a warning from day 75 and an alert from day 85, once a day', () => {
    const days = [75, 75.1, 75.9, 76, 85, 85.4, 90.5];
    expect(told(...days.map((day) => [day, key('a')] as const))).toEqual([
      '75 expiring a warning 15',
      '75.1 expiring a warning 14',
      '85 expiring a alert 5',
      '85.4 expiring a alert 4',
      '90.5 expiring a alert 0',
    ]);
  });

  it('are its rotation, and that of a key seen first after a start are none', () => {
    expect(told([0, key('a')], [76, key('a')], [77, key('b', 77)], [78, key('b', 77)])).toEqual([
      '76 expiring a warning 14',
      '77 rotated b',
    ]);
  });
});
