import { describe, expect, it } from 'vitest';
import { runHistory } from './history.ts';

/** The same histories each time, so that a change is what makes one fail. SMARTLITE_SEED replays one, or begins elsewhere; SMARTLITE_HISTORIES says how many. */
const given = process.env['SMARTLITE_SEED'];
const first = Number(given ?? 1);
const count = Number(process.env['SMARTLITE_HISTORIES'] ?? (given === undefined ? 300 : 1));

/** A minute on an idle machine; several on one that others use, too. */
const PATIENCE_MS = 900_000;

describe('budgets under dead holders, killed, paused and newly begun replicas, lost answers, late and reordered entries, replays, stepped clocks and changed limits', () => {
  it(
    'hold cap, capTrue, holder, conserve, exactRefusal and once after every step, and noLeak',
    async () => {
      const sum = { granted: 0, refused: 0, emitted: 0, died: 0 };
      for (let seed = first; seed < first + count; seed += 1) {
        try {
          const facts = await runHistory(seed);
          for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += facts[key];
        } catch (cause) {
          throw new Error(`history ${seed} (replay with SMARTLITE_SEED=${seed}): ${(cause as Error).message}`, { cause });
        }
      }
      // A run in which nothing is granted, refused or emitted, or nobody dies, would prove nothing.
      if (count > 1) for (const value of Object.values(sum)) expect(value).toBeGreaterThan(count);
      console.info(`seeds from ${first}: ${count} histories`, sum);
    },
    PATIENCE_MS,
  );
});
