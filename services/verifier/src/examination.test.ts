import { emptyControl } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import type { Act } from './act.ts';
import { Examination } from './examination.ts';
import type { Report } from './report.ts';

const LOCK_ENDS_MS = 50_000;
const KEY_ENDS_MS = 40_000;
const control = { ...emptyControl(), incarnation: 'c'.repeat(64) };
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const whole = { lockDigest: 'sha256:x', expiresUnixMs: LOCK_ENDS_MS, findings: [] } as unknown as Report;

/** Ends the first verification with this report, at second 1. */
function verified(report: Report): Examination {
  const examination = new Examination('disk-1', 5_000, () => 'a'.repeat(64));
  end(examination, report, 1_000);
  return examination;
}

function end(examination: Examination, report: Report, atMs: number): void {
  const [begin] = examination.beginIfDue(control, at(atMs));
  examination.end(idOf(begin), report, at(atMs));
}

function idOf(act: Act | undefined): string {
  if (act?.kind !== 'append' || act.body.kind !== 'begin') throw new Error('no verification was begun');
  return act.body.verification;
}

const begins = (examination: Examination, atMs: number) => examination.beginIfDue(control, at(atMs)).length === 1;

describe('a verification that has expired', () => {
  it('is made again as soon as the lock has ended, and not before', () => {
    const examination = verified(whole);
    expect(begins(examination, LOCK_ENDS_MS)).toBe(false);
    expect(begins(examination, LOCK_ENDS_MS + 1)).toBe(true);
  });

  it('is made again as soon as the key that vouches longest has ended', () => {
    const examination = verified({ ...whole, signingKey: { toUnixMs: KEY_ENDS_MS } as never });
    expect(begins(examination, KEY_ENDS_MS)).toBe(false);
    expect(begins(examination, KEY_ENDS_MS + 1)).toBe(true);
  });

  it('is made again once: its outcome decides, whatever it is', () => {
    const examination = verified(whole);
    end(examination, whole, LOCK_ENDS_MS + 1);
    expect(begins(examination, LOCK_ENDS_MS + 200)).toBe(false);
  });
});
