import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeAtomically } from './mark.ts';

it('a file that somebody else has replaced meanwhile is left as it is, and nothing lies beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'smartlite-mark-'));
  const file = join(folder, 'lock.json');
  try {
    writeFileSync(file, 'theirs');
    expect(await writeAtomically(file, 'ours', 0o600, () => false)).toBe(false);
    expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['theirs', ['lock.json']]);
    const broken = writeAtomically(file, 'ours', 0o600, () => {
      throw new Error('the file is gone');
    });
    await expect(broken).rejects.toThrow('gone');
    expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['theirs', ['lock.json']]);
    expect(await writeAtomically(file, 'ours', 0o600, () => true)).toBe(true);
    expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['ours', ['lock.json']]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
