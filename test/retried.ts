import { afterEach } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** How often the test was tried again before the try that ended it: `npm test` names each such test. */
    tries?: number;
  }
}

afterEach(({ task }) => {
  if (task.result?.retryCount) task.meta.tries = task.result.retryCount;
});
