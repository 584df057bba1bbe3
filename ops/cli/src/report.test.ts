import { mkdir, writeFile } from 'node:fs/promises';
import { TrustError } from '@smartlite/trust';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { report } from './report.ts';

afterEach(() => void vi.restoreAllMocks());

/** What a command that ended so says on stderr, and its exit code. */
function saidOf(caught: unknown): { readonly said: string; readonly code: number } {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  const code = report(caught, { debug: false });
  return { code, said: error.mock.calls.flat().join('\n') };
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (caught: unknown) => caught,
  );

describe('what the system refuses to a command', () => {
  it.each([
    ['a full disk', () => writeFile('/dev/full', 'x'), /no space left[\s\S]*Free some/],
    [
      'a folder below a file',
      () => mkdir('/etc/passwd/run', { recursive: true }),
      /passwd\/run cannot be made[\s\S]*SMARTLITE_HOME/,
    ],
    ['a file in a folder’s place', () => mkdir('/etc/passwd', { recursive: true }), /passwd is there already, and is no folder/],
  ])('%s is said as what it is, with what to do, and as nothing unexpected', async (_name, work, words) => {
    const { said, code } = saidOf(await failureOf(work()));
    expect(said).toMatch(words);
    expect(said).not.toContain('not expected');
    expect(code).toBe(1);
  });
});

describe('a file of the trust domain that somebody has broken', () => {
  it('is named with its finding, and as nothing unexpected', () => {
    const { said } = saidOf(new TrustError('LOCK_MALFORMED', 'trust.json at /a: a value is due'));
    expect(said).toMatch(/^LOCK_MALFORMED: trust.json at \/a[\s\S]*doctor/);
    expect(said).not.toContain('not expected');
  });
});
