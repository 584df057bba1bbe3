import { configDefaults, defineConfig } from 'vitest/config';

/** Starting real processes, models included, on a machine that may be busy. */
const PATIENCE_MS = 300_000;
/** Files at a time: these tests wait for leases and elections half of their time, which two use better than one. */
const FILES_AT_A_TIME = 2;
/** Whole meshes with real models use every core: one at a time, after the others. */
const REAL_MODELS = 'test/mesh/**/*.e2e.test.ts';

/**
 * One failure of two hundred tests of real processes would hide what all others say. Such a test is tried once more, and `npm test` names it
 * at its end even when it passes then: it is a defect to be looked into.
 */
const TRIES_AGAIN = 1;

const patient = {
  passWithNoTests: true,
  testTimeout: PATIENCE_MS,
  hookTimeout: PATIENCE_MS,
  retry: TRIES_AGAIN,
  setupFiles: ['test/retried.ts'],
};

export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: [
      {
        test: {
          ...patient,
          name: 'processes',
          include: ['**/*.e2e.test.ts'],
          exclude: [...configDefaults.exclude, REAL_MODELS],
          maxWorkers: FILES_AT_A_TIME,
        },
      },
      { test: { ...patient, name: 'real models', include: [REAL_MODELS], fileParallelism: false } },
    ],
  },
});
