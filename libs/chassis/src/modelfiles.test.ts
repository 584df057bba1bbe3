import { execFileSync } from 'node:child_process';
import { rmSync, truncateSync } from 'node:fs';
import { testDomain } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';

describe('a lock file that somebody has exchanged', () => {
  it('for a FIFO that nobody writes to is refused, not waited for', async () => {
    using domain = await testDomain();
    const files = await domain.modelFiles();
    expect((await files.verify()).lockDigest).toBe(domain.lockDigest());
    rmSync(domain.files.lock);
    execFileSync('mkfifo', [domain.files.lock]);
    await expect(files.verify()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(domain.files.lock),
    });
  });

  it('for a huge one is refused before it fills the memory', async () => {
    using domain = await testDomain();
    const files = await domain.modelFiles();
    truncateSync(domain.files.lock, 2 ** 40);
    await expect(files.verify()).rejects.toMatchObject({ code: 'LOCK_TOO_LARGE' });
  });
});
