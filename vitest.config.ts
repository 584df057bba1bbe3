import { configDefaults, defineConfig } from 'vitest/config';

/** Far above what any test takes, so that a busy machine fails none of them. */
const PATIENCE_MS = 60_000;

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    // Real processes run last: vitest.e2e.config.ts.
    exclude: [...configDefaults.exclude, '**/*.e2e.test.ts'],
    passWithNoTests: true,
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
  },
});
