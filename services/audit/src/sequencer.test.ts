import type { AuditEntry } from '@smartlite/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery, Head, Line } from './engine.ts';
import { digestOf } from './entry.ts';
import { GAP_WAIT_MS, Sequencer, type Step } from './sequencer.ts';

function entryBytes(counter: number, more: Partial<AuditEntry> = {}): Buffer {
  const boot = more.boot ?? 'b0';
  const previous = counter === 1 ? null : digestOf(entryBytes(counter - 1, { boot }));
  const entry = { producer: 'llm-1', service: 'llm', atUnixMs: 1, kind: 'call.served', actor: 'a', traceId: null, facts: {} };
  return Buffer.from(
    JSON.stringify({ id: `llm-1.${boot}.${counter}`, ...entry, boot, counter, salt: '0'.repeat(32), previous, ...more }),
  );
}
const delivery = (bytes: Uint8Array, service = 'llm'): Delivery => ({ service, bytes, done() {}, again() {} });
const deliver = (...counters: readonly number[]) => counters.map((counter) => delivery(entryBytes(counter)));
const described = (steps: readonly Step[]) =>
  steps.map((step) =>
    step.kind === 'remark'
      ? `${step.remark.kind} ${JSON.stringify(step.remark.facts)}`
      : `${step.kind} ${step.line.entry.counter}`,
  );

/** Signatures have their own test. */
const NO_DOUBT = { prove: (lines: readonly Line[]) => new Set(lines), refusal: () => undefined, logged() {} };
/** A sequencer over a log that remembers what it was told to append. */
function sequencer(heads: readonly Head[] = []) {
  const log = new Map<string, string>();
  const own = new Sequencer(heads, (id) => log.get(id), NO_DOUBT);
  return {
    take: (deliveries: readonly Delivery[], nowMs = 0) => {
      const steps = own.take(deliveries, nowMs);
      for (const step of steps) if (step.kind === 'append') log.set(step.line.entry.id, digestOf(step.line.bytes));
      return described(steps);
    },
    log,
  };
}

describe('entries in any order, any of them more than once', () => {
  it('are logged once each, in their producers’ order', () => {
    const arrivals = fc.array(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 1 }), { maxLength: 6 });
    fc.assert(
      fc.property(arrivals, (batches) => {
        const { take } = sequencer();
        const steps = [...batches, [8, 7, 6, 5, 4, 3, 2, 1]].flatMap((batch) => take(deliver(...batch)));
        expect(steps.filter((step) => !step.startsWith('repeat'))).toEqual(
          [1, 2, 3, 4, 5, 6, 7, 8].map((counter) => `append ${counter}`),
        );
      }),
    );
  });
});

describe('a gap in a producer’s counter', () => {
  it('is waited for, and closes without a word when the missing entry comes', () => {
    const { take } = sequencer();
    expect(take(deliver(1, 3))).toEqual(['append 1']);
    expect(take(deliver(2), GAP_WAIT_MS - 1)).toEqual(['append 2', 'append 3']);
  });

  it('is logged once the wait is over, and what comes after it as late', () => {
    const { take } = sequencer();
    take(deliver(1, 4, 5));
    expect(take([], GAP_WAIT_MS)).toEqual(['trail.gap {"producer":"llm-1","boot":"b0","from":2,"to":3}', 'append 4', 'append 5']);
    expect(take(deliver(3), GAP_WAIT_MS)).toEqual(['append 3', 'trail.late {"entry":"llm-1.b0.3","expected":6}']);
  });

  it('at the end of a boot is known by what the next boot names', () => {
    const { take } = sequencer([{ producer: 'llm-1', boot: 'b0', counter: 2, digest: digestOf(entryBytes(2)) }]);
    const first = entryBytes(1, { boot: 'b1', before: { boot: 'b0', counter: 3 } });
    expect(take([delivery(first)])).toEqual([]);
    expect(take([], GAP_WAIT_MS)).toEqual(['trail.gap {"producer":"llm-1","boot":"b0","from":3,"to":3}', 'append 1']);
  });
});

describe('a producer that contradicts itself', () => {
  it('is named when one id has two contents', () => {
    const { take } = sequencer();
    take(deliver(1));
    expect(take([delivery(entryBytes(1, { actor: 'mallory' }))])[0]).toContain(
      'trail.equivocation {"code":"ENTRY_EQUIVOCATION","entry":"llm-1.b0.1"',
    );
  });

  it('is named when an entry follows another than the logged one', () => {
    const { take } = sequencer();
    take(deliver(1));
    const steps = take([delivery(entryBytes(2, { previous: 'f'.repeat(64) }))]);
    expect(steps[0]).toBe('append 2');
    expect(steps[1]).toContain('trail.equivocation');
  });
});

describe('bytes that are no entry', () => {
  it.each([
    ['no JSON', Buffer.from('{'), 'llm'],
    ['an entry of another service', entryBytes(1), 'asr'],
    ['an id that is not its own', entryBytes(1, { id: 'llm-1.b0.2' }), 'llm'],
    ['a kind that is not known', entryBytes(1, { kind: 'gossip' as never }), 'llm'],
    ['an entry without chance', entryBytes(1, { salt: '' }), 'llm'],
    ['an entry of 40 kB', entryBytes(1, { facts: { text: 'x'.repeat(40_000) } }), 'llm'],
  ])('are refused by name, and never block: %s', (_what, bytes, service) => {
    const { take } = sequencer();
    const steps = take([delivery(bytes, service), ...deliver(1)]);
    expect(steps).toHaveLength(2);
    expect(steps[0]).toContain('trail.refused');
    expect(steps[1]).toBe('append 1');
  });
});
