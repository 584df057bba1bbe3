import { emptyControl } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import type { Act } from './act.ts';
import { Examination } from './examination.ts';
import type { Report } from './report.ts';
import { LOST_AFTER_MS } from './self.ts';

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
  const id = idOf(examination.beginIfDue(control, at(atMs))[0]);
  examination.end(id, report, at(atMs));
  examination.sawEnd(id);
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

describe('an entry that does not come back from the log', () => {
  it('is written again, so that a store is not waited for without end: the begin as the same one', () => {
    const examination = new Examination('disk-1', 5_000, () => 'a'.repeat(64));
    const first = idOf(examination.beginIfDue(control, at(0))[0]);
    expect(begins(examination, LOST_AFTER_MS - 1)).toBe(false);
    expect(idOf(examination.beginIfDue(control, at(LOST_AFTER_MS))[0])).toBe(first);
    expect(examination.sawBegin(first, 7)).toEqual([{ kind: 'verify', verification: first }]);
    expect(examination.sawBegin(first, 8)).toEqual([]);
    expect(begins(examination, 10 * LOST_AFTER_MS)).toBe(false);
  });

  it('costs another verification where it is the end, and none where the end came', () => {
    const lost = new Examination('disk-1', 5_000, () => 'b'.repeat(64));
    lost.end(idOf(lost.beginIfDue(control, at(0))[0]), whole, at(1_000));
    expect(begins(lost, 1_000 + LOST_AFTER_MS)).toBe(true);
    const came = new Examination('disk-1', 5_000, () => 'a'.repeat(64));
    const id = idOf(came.beginIfDue(control, at(0))[0]);
    came.end(id, whole, at(1_000));
    came.sawEnd(id);
    expect(begins(came, 1_000 + LOST_AFTER_MS)).toBe(false);
  });
});
