import { MeshError } from '@smartlite/contracts';
import { manualClock } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import type { LedgerLine } from '../engine.ts';
import { settleFailed } from './charge.ts';
import { Meter } from './meter.ts';

/** What is settled of a request that has used ten seconds of audio. */
async function charged(code: ConstructorParameters<typeof MeshError>[0], told: boolean, begun?: boolean) {
  let spent: unknown;
  const line: LedgerLine = {
    reserve: async () => ({ outcome: { $case: 'granted', value: { id: 'r', amounts: [], notAfterUnixMs: 0n, limits: [] } } }),
    extend: async () => ({ outcome: { $case: 'granted', value: { id: 'r', amounts: [], notAfterUnixMs: 0n, limits: [] } } }),
    async settle(request) {
      spent = request.spent.map(({ value }) => Number(value));
      return { charged: [], freed: [] };
    },
  };
  const request = { key: 'k', tenant: 't', user: 'u', lifeMs: 60_000, clock: manualClock() };
  const meter = await Meter.open(line, request, { asrMs: 10_000 }, { asrMs: 10_000 });
  await meter.spend('asrMs', 10_000);
  await settleFailed(meter, new MeshError(code, 'it failed'), told, begun === undefined ? {} : { hasBegun: () => begun });
  expect(spent).toEqual(meter.used('asrMs') > 0 ? [1, 10_000] : meter.used('requests') > 0 ? [1] : []);
  return spent;
}

describe('work that failed', () => {
  it.each(['overloaded', 'unavailable', 'safe-mode', 'no-compliant-region', 'budget-unavailable', 'internal'] as const)(
    'by %s before its caller got anything is not charged, and as it was used where he did',
    async (code) => {
      expect(await charged(code, false)).toEqual([]);
      expect(await charged(code, true)).toEqual([1, 10_000]);
      // Handed on, and kept back by a door that sends its answer whole.
      expect(await charged(code, true, false)).toEqual([]);
      expect(await charged(code, true, true)).toEqual([1, 10_000]);
    },
  );

  it.each(['cancelled', 'request-timeout', 'invalid-argument'] as const)(
    'by its caller (%s) is charged as it was used',
    async (code) => {
      expect(await charged(code, false)).toEqual([1, 10_000]);
    },
  );

  it('by its caller’s deadline with nothing sent counts as a request, so that deadlines are no free work', async () => {
    expect(await charged('deadline-exceeded', false)).toEqual([1]);
  });
});
