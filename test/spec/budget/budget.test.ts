import { describe, expect, it } from 'vitest';
import { runHistory } from './history.ts';

/** Give SMARTLITE_SEED to replay one history, SMARTLITE_HISTORIES for more: from that seed on, or from any. */
const given = process.env['SMARTLITE_SEED'];
const first = Number(given ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env['SMARTLITE_HISTORIES'] ?? (given === undefined ? 300 : 1));

describe('budgets under dead holders, killed, paused and newly begun replicas, lost answers, late and reordered entries, replays, stepped clocks and changed limits', () => {
  it('hold cap, capTrue, holder, conserve, exactRefusal and once after every step, and noLeak', () => {
    const sum = { granted: 0, refused: 0, emitted: 0, died: 0 };
    for (let seed = first; seed < first + count; seed += 1) {
      try {
        const facts = runHistory(seed);
        for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += facts[key];
      } catch (cause) {
        throw new Error(`history ${seed} (replay with SMARTLITE_SEED=${seed}): ${(cause as Error).message}`, { cause });
      }
    }
    // A run in which nothing is granted, refused or emitted, or nobody dies, would prove nothing.
    if (count > 1) for (const value of Object.values(sum)) expect(value).toBeGreaterThan(count);
    console.info(`seeds from ${first}: ${count} histories`, sum);
  });
});
