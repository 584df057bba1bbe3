import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@smartlite/testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { announce } from './start.ts';

afterEach(() => void vi.restoreAllMocks());

describe('a mesh that is up', () => {
  it('tells whoever sits at the terminal the API key, and a log only where it lies', async () => {
    using folder = temporaryFolder();
    const apiKey = join(folder.path, 'api-key');
    writeFileSync(apiKey, 'slk_test\n');
    const print = vi.spyOn(console, 'log').mockImplementation(() => {});
    await announce({ apiKey }, { gateway: 'http://127.0.0.1:1' }, false);
    expect(print.mock.lastCall?.[0]).toContain('slk_test');
    await announce({ apiKey }, { gateway: 'http://127.0.0.1:1' }, true);
    expect(print.mock.lastCall?.[0]).not.toContain('slk_test');
    expect(print.mock.lastCall?.[0]).toContain(apiKey);
  });
});
