import { emptyControl } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { Candidacy } from './candidacy.ts';

const SELF = { fleet: 'fleet', generation: 1, instance: 'verifier-1', keyId: 'key', boot: 'boot', store: 'store' };
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const OPEN = { ...emptyControl(), incarnation: 'log' };

/** A verifier that has campaigned three times, a second apart, and seen none of it in the log yet. */
function campaigning(): Candidacy {
  const candidacy = new Candidacy(SELF, 0);
  for (const ms of [0, 500, 1_000, 2_000]) candidacy.seek(OPEN, at(0), at(ms));
  return candidacy;
}

describe('a candidate whose log is slow', () => {
  it('campaigns for a higher epoch each time that none came back', () => {
    expect(campaigning().seek(OPEN, at(0), at(3_000))).toEqual([
      { kind: 'mark', epoch: 4 },
      expect.objectContaining({ body: { kind: 'campaign', epoch: 4, store: 'store' } }),
    ]);
  });

  it('leads by the one that comes first, counted from when that was sent, though others are under way', () => {
    const candidacy = campaigning();
    expect(candidacy.sawCampaign(2)).toEqual(at(1_000));
    expect(candidacy.sawCampaign(3)).toEqual(at(2_000));
  });

  it('does not lead by one that it has given up, or never sent', () => {
    const candidacy = campaigning();
    candidacy.sawCampaign(2);
    expect([1, 2, 9].map((epoch) => candidacy.sawCampaign(epoch))).toEqual([null, null, null]);
  });
});
