import { emptyControl, type FailureFact, FAILURES_NAMED_MAX } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { failuresOf } from './failurefact.ts';
import type { ReportedFinding } from './report.ts';

const NOTHING_KNOWN = { control: emptyControl(), pending: [] };

function finding(more: Partial<ReportedFinding> = {}): ReportedFinding {
  return { code: 'FILE_UNLISTED', artifact: '', digest: null, message: 'lies there', effect: 'safe', ...more };
}

function failures(
  findings: readonly ReportedFinding[],
  known: Parameters<typeof failuresOf>[2] = NOTHING_KNOWN,
): readonly FailureFact[] {
  let made = 0;
  return failuresOf(findings, 'disk-1', known, () => String((made += 1)).padStart(64, '0'));
}

describe('the failures for the findings of a store', () => {
  it('are one for a thousand files too many, which says how many more there are', () => {
    const found = failures(Array.from({ length: 1_000 }, () => finding()));
    expect(found.map(({ message }) => message)).toEqual(['lies there, and 999 more findings']);
  });

  it('are no more than a status names, the worst among them, and the last stands for the rest', () => {
    const many = Array.from({ length: 500 }, (_, index) => finding({ artifact: `model-${index}`, code: 'DIGEST_MISMATCH' }));
    const found = failures([...many, finding({ artifact: 'ears', code: 'SIGNATURE_INVALID', effect: 'halted' })]);
    expect(found).toHaveLength(FAILURES_NAMED_MAX);
    expect(found[0]).toMatchObject({ artifact: 'ears', effect: 'halted' });
    expect(found.at(-1)).toMatchObject({ artifact: '', effect: 'safe' });
    expect(found.at(-1)?.message).toContain(`${501 - FAILURES_NAMED_MAX} more`);
  });

  it('are the same when they are found again: those on their way to the log keep their name', () => {
    const many = Array.from({ length: 200 }, (_, index) => finding({ artifact: `model-${index}` }));
    const first = failures(many);
    expect(failures(many, { ...NOTHING_KNOWN, pending: first })).toEqual(first);
  });

  it('keep messages of people’s length, whatever stands in front', () => {
    const [only] = failures([finding({ message: 'x'.repeat(1_000) }), finding()]);
    expect(only?.message).toHaveLength(1_000);
    expect(only?.message).toMatch(/, and 1 more findings$/);
  });
});
