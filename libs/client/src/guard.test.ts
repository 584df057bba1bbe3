import { SUBJECTS } from '@smartlite/contracts';
import { natsServer, statusPublisher, testDomain } from '@smartlite/testkit';
import { connect } from 'nats';
import { describe, expect, it } from 'vitest';
import { connectMesh } from './mesh.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

async function ground(options: Parameters<typeof statusPublisher>[2] = {}) {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await natsServer());
  const domain = stack.use(await testDomain());
  const verifier = stack.use(await statusPublisher(url, domain, options));
  const mesh = stack.use(await connectMesh({ servers: url, trust: domain.keys.trust }));
  const moved = stack.move();
  return { url, domain, verifier, mesh, guard: mesh.guard, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

describe('a guard of one’s own service', () => {
  it('permits once the leader has answered its nonce, and refuses in safe mode at once', async () => {
    await using own = await ground();
    expect(own.guard.permits()).toBe(false);
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(true);
    own.verifier.become('safe', { reasons: ['DIGEST_MISMATCH: mind'] });
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(false);
    expect(() => own.guard.require()).toThrow(/DIGEST_MISMATCH: mind/);
    own.verifier.become('normal');
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(true);
  });

  it('cuts the work that is under way', async () => {
    await using own = await ground();
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(true);
    const started = Promise.withResolvers<void>();
    const work = own.guard.run(async (signal) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return 'half an answer';
    });
    await started.promise;
    own.verifier.become('halted');
    await expect(work).rejects.toMatchObject({ code: 'halted' });
    await expect(own.guard.run(async () => 'more')).rejects.toMatchObject({ code: 'halted' });
  });

  it('runs work that a proven fleet may do', async () => {
    await using own = await ground();
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(true);
    expect(await own.guard.run(async () => 'answer')).toBe('answer');
  });

  it('refuses by its own clock when the leader falls silent', async () => {
    await using own = await ground({ leaseMs: 1_500 });
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(true);
    own.verifier.silence();
    await expect.poll(() => own.guard.current(), { timeout: 20_000 }).toMatchObject({ mode: 'safe', local: true });
  });

  it('believes neither an unsigned all-clear, nor one of another fleet, nor a replay of this one’s', async () => {
    await using own = await ground();
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(true);
    const earlier = own.verifier.envelope();
    own.verifier.become('safe');
    await expect.poll(() => own.guard.permits(), PATIENCE).toBe(false);
    using other = await testDomain({ fleet: 'other-fleet' });
    await using stranger = await statusPublisher(own.url, other, { epoch: 7 });
    const rogue = await connect({ servers: own.url });
    for (const forged of [earlier, stranger.envelope(), '{"mode":"normal"}']) rogue.publish(SUBJECTS.lockStatus, forged);
    await rogue.flush();
    own.verifier.become('safe', { reasons: ['still'] });
    await expect.poll(() => own.guard.current().reasons, PATIENCE).toEqual(['still']);
    expect(own.guard.permits()).toBe(false);
    await rogue.close();
  });
});

describe('a reader of the lock status', () => {
  it('sees each decision in rising order with what it means', async () => {
    await using own = await ground();
    const modes: string[] = [];
    for await (const { status, order } of own.mesh.lock()) {
      expect(order).toBe(`1.1.${status.revision}.${status.beat}`);
      if (modes.at(-1) !== status.mode) modes.push(status.mode);
      if (modes.length === 1) own.verifier.become('safe');
      if (modes.length === 2) break;
    }
    expect(modes).toEqual(['normal', 'safe']);
  });
});
