import { settableGuard } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { listenHealth } from './http.ts';
import { readiness } from './readiness.ts';

const told = () => {
  const said: boolean[] = [];
  return { said, tell: (serving: boolean) => void said.push(serving) };
};

describe('readiness of a service that infers', () => {
  it('begins when it has started, and ends with the mode and with the stop', () => {
    const guard = settableGuard();
    const { said, tell } = told();
    const ready = readiness({ service: 'asr', guard, facts: undefined, tell });
    expect(ready.notReady()).toBe('starting');
    ready.started();
    guard.become({ mode: 'safe', reasons: ['DIGEST_MISMATCH'] });
    expect(ready.notReady()).toBe('the mode is safe: DIGEST_MISMATCH');
    guard.become({ mode: 'normal' });
    ready.stopping();
    expect(said).toEqual([true, false, true, false]);
  });
});

describe('readiness of the gateway', () => {
  it('stays in safe mode: callers must get their refusal', () => {
    const guard = settableGuard({ mode: 'halted' });
    const ready = readiness({ service: 'gateway', guard, facts: undefined, tell: () => {} });
    ready.started();
    expect(ready.notReady()).toBeUndefined();
    ready.stopping();
  });

  it('ends by its own word', () => {
    const facts = () => ({ inflight: 0, queued: 0, models: [], notReady: 'no clients file' });
    const ready = readiness({ service: 'gateway', guard: settableGuard(), facts, tell: () => {} });
    ready.started();
    expect(ready.notReady()).toBe('no clients file');
    ready.stopping();
  });
});

describe('the health server', () => {
  it('tells life from readiness, and shows the metrics', async () => {
    let because: string | undefined = 'starting';
    const server = await listenHealth('127.0.0.1:0', { metrics: async () => 'smartlite_up 1\n', notReady: () => because });
    const get = async (path: string) => {
      const response = await fetch(`http://${server.address}${path}`);
      return [response.status, await response.text()];
    };
    expect(await get('/healthz')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([503, 'starting\n']);
    because = undefined;
    expect(await get('/readyz')).toEqual([200, 'ready\n']);
    expect(await get('/metrics')).toEqual([200, 'smartlite_up 1\n']);
    expect((await get('/etc/passwd'))[0]).toBe(404);
    await server.close();
  });

  it('says which port is taken and what to set', async () => {
    const server = await listenHealth('127.0.0.1:0', { metrics: async () => '', notReady: () => undefined });
    await expect(listenHealth(server.address, { metrics: async () => '', notReady: () => undefined })).rejects.toThrow(
      /SMARTLITE_METRICS_ADDRESS/,
    );
    await server.close();
  });
});
