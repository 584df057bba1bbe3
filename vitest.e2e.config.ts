import { configDefaults, defineConfig } from 'vitest/config';

/** Starting real processes, models included, on a machine that may be busy. */
const PATIENCE_MS = 300_000;

export default defineConfig({
  test: {
    include: ['**/*.e2e.test.ts'],
    exclude: configDefaults.exclude,
    // One mesh at a time: two would share two cores and measure each other.
    fileParallelism: false,
    passWithNoTests: true,
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
  },
});
