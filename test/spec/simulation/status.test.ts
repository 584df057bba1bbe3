import { describe, expect, it } from 'vitest';
import { runHistory } from './history.ts';

/** Give SMARTLITE_SEED to replay one history, SMARTLITE_HISTORIES to run more. */
const histories = Number(process.env['SMARTLITE_HISTORIES'] ?? 1_000);
const first = Number(process.env['SMARTLITE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const count = process.env['SMARTLITE_SEED'] === undefined ? histories : 1;

describe('lock status under crashes, pauses, partitions, late and lost messages, replays, bad disks and operators', () => {
  it('holds failClosed, authentic, oneLeader, earned, noStaleNormal after every step, and lives', () => {
    let emissions = 0;
    let failures = 0;
    let epochs = 0;
    for (let seed = first; seed < first + count; seed += 1) {
      try {
        const facts = runHistory(seed);
        emissions += facts.emissions;
        failures += facts.failures;
        epochs += facts.epochs;
      } catch (cause) {
        throw new Error(`history ${seed} (replay with SMARTLITE_SEED=${seed})`, { cause });
      }
    }
    // A run in which nothing is served, nothing fails or nobody is deposed would prove nothing.
    expect(emissions).toBeGreaterThan(count);
    if (count > 1) expect(failures).toBeGreaterThan(count);
    if (count > 1) expect(epochs).toBeGreaterThan(count);
    console.info(`seeds from ${first}: ${count} histories, ${emissions} emissions, ${failures} failures, ${epochs} epochs`);
  });
});
