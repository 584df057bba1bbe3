import { describe, expect, it } from 'vitest';
import { Stack } from './stack.ts';

describe('what has been opened', () => {
  it('is closed in reverse; one that fails keeps no other open', async () => {
    const closed: string[] = [];
    const stack = new Stack();
    stack.add(() => closed.push('telemetry'));
    stack.addFirst(() => closed.push('bus'));
    stack.add(() => Promise.reject(new Error('stuck')));
    stack.add(() => closed.push('server'));
    await expect(stack.close(new AbortController().signal)).rejects.toThrow('stuck');
    expect(closed).toEqual(['server', 'telemetry', 'bus']);
  });

  it('is given up when it hangs', async () => {
    const closed: string[] = [];
    const stack = new Stack();
    stack.add(() => closed.push('bus'));
    stack.add(() => new Promise(() => {}));
    await stack.close(AbortSignal.timeout(10));
    expect(closed).toEqual(['bus']);
  });
});
