import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { testDomain } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { writeRuntimeState } from './runtimestate.ts';

const STATE = { mode: 'halted', verified_at: null, verification: 'failed', reasons: [], written_by: 'verifier-1' } as const;
/** Turns of the event loop after which the lock is replaced: more than one writing takes. */
const TURNS = 40;
const TICK = new Date('2026-01-01T00:00:00.000Z');

const signedPart = (text: string) => ({ ...(JSON.parse(text) as object), runtime_state: undefined });

describe('a lock that is restored while its runtime state is written', () => {
  it('stays restored, at whichever moment, and however coarse the clock of the disk is', async () => {
    using domain = await testDomain();
    const file = domain.files.lock;
    const good = readFileSync(file, 'utf8');
    const bad = good.replace('"safe_mode_on_mismatch": true', '"safe_mode_on_mismatch": false');
    expect(bad).not.toBe(good);
    for (let turns = 0; turns < TURNS; turns += 1) {
      writeFileSync(file, bad);
      utimesSync(file, TICK, TICK);
      const written = writeRuntimeState(file, STATE);
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
      writeFileSync(file, good);
      utimesSync(file, TICK, TICK);
      await written;
      expect([turns, signedPart(readFileSync(file, 'utf8'))]).toEqual([turns, signedPart(good)]);
    }
  });
});
