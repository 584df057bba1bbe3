import { describe, expect, it } from 'vitest';
import { runHistory } from './history.ts';

/** The same histories each time, so that a change is what makes one fail. SMARTLITE_SEED replays one, or begins elsewhere; SMARTLITE_HISTORIES says how many. */
const seed = process.env['SMARTLITE_SEED'];
const first = Number(seed ?? 900_200);
const count = Number(process.env['SMARTLITE_HISTORIES'] ?? (seed === undefined ? 250 : 1));

/** Minutes on a machine that others use, too. */
const PATIENCE_MS = 900_000;

describe('lock status under crashes, pauses, partitions, late and lost messages, replays, bad disks and operators', () => {
  it(
    'holds failClosed, authentic, oneLeader, earned, noStaleNormal and verifiedBytes after every step, and is calm, live, its alarms heard and priced',
    () => {
      let emissions = 0;
      let failures = 0;
      let epochs = 0;
      for (let each = first; each < first + count; each += 1) {
        try {
          const facts = runHistory(each);
          emissions += facts.emissions;
          failures += facts.failures;
          epochs += facts.epochs;
        } catch (cause) {
          throw new Error(`history ${each} (replay with SMARTLITE_SEED=${each})`, { cause });
        }
      }
      // A run in which nothing is served, nothing fails or nobody is deposed would prove nothing.
      expect(emissions).toBeGreaterThan(count);
      if (count > 1) expect(failures).toBeGreaterThan(count);
      if (count > 1) expect(epochs).toBeGreaterThan(count);
      console.info(`seeds from ${first}: ${count} histories, ${emissions} emissions, ${failures} failures, ${epochs} epochs`);
    },
    PATIENCE_MS,
  );
});
