import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AuditEntry, type SpanRecord, STREAMS, SUBJECTS } from '@smartlite/contracts';
import {
  DEFAULT_MODELS,
  natsServer,
  type Script,
  startService,
  statusPublisher,
  testDomain,
  type TestDomain,
} from '@smartlite/testkit';
import { connect, type NatsConnection } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPeers, type RunningPeers } from './peers/peers.ts';
import { systemClock, systemIds } from './system.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

const FILE = fileURLToPath(new URL('./run.fixture.ts', import.meta.url));
const generating = {
  messages: [{ role: 'user', content: 'hello' }],
  tier: '',
  maxTokens: 0,
  temperature: 0,
  seed: 0n,
  facts: undefined,
  saidFrom: 0 as const,
};
const CALLER = { user: 'alice', tenant: 'acme', regions: [], operator: false };

// Two words, then a hold, then a third.
const halting: Script = {
  format: 'smartlite-script/1',
  rules: [
    { when: 'crash', steps: [{ chunk: { kind: 'token', text: 'one' } }, { exit: 3 }] },
    { steps: [{ chunk: { kind: 'token', text: 'one' } }, { hold: 'second' }, { chunk: { kind: 'token', text: 'two' } }] },
  ],
};
const MODELS = DEFAULT_MODELS.map((model) => (model.id === 'mind' ? { ...model, script: halting } : model));

interface Ground {
  readonly url: string;
  readonly domain: TestDomain;
  readonly nats: NatsConnection;
  readonly peers: RunningPeers;
  readonly stack: AsyncDisposableStack;
}
let ground: Ground;

beforeEach(async () => {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await natsServer());
  const domain = stack.use(await testDomain({ models: MODELS }));
  const nats = await connect({ servers: url });
  stack.defer(() => nats.close());
  const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
  stack.defer(() => peers.close());
  ground = { url, domain, nats, peers, stack };
});
afterEach(() => ground.stack.disposeAsync());

async function start(instance = 'llm-1', more: Record<string, string> = {}) {
  const { domain, url, stack } = ground;
  const environment = { ...(await domain.environment('llm', instance)), SMARTLITE_NATS_URL: url, ...more };
  return stack.use(await startService({ file: FILE, environment }));
}
const publisher = async (options?: Parameters<typeof statusPublisher>[2]) =>
  ground.stack.use(await statusPublisher(ground.url, ground.domain, options));
const mode = () => ground.peers.instances('llm')[0]?.mode;
const speak = (caller = CALLER) => ground.peers.llm.generate(generating, { caller })[Symbol.asyncIterator]();

describe('a service process', () => {
  it('serves over gRPC once a signed status permits it, and says so to NATS, Prometheus and its parent', async () => {
    await publisher();
    const service = await start();
    ground.domain.release('second');
    await expect.poll(mode, PATIENCE).toBe('normal');
    const texts: unknown[] = [];
    for await (const { kind } of ground.peers.llm.generate(generating, { caller: CALLER }))
      texts.push(kind?.$case === 'chunk' && kind.value.text);
    expect(texts).toEqual(['one', 'two']);
    expect(ground.peers.instances('llm')).toMatchObject([
      { instance: 'llm-1', grpc: service.grpc, metrics: service.metrics, models: ['mind'], pid: service.pid },
    ]);
    expect(await (await fetch(`http://${service.metrics}/metrics`)).text()).toContain('smartlite_rpc_server_seconds_count');
    await expect.poll(async () => (await fetch(`http://${service.metrics}/readyz`)).status, PATIENCE).toBe(200);
  });

  it('permits nothing before it has heard from a leader', async () => {
    const service = await start();
    await expect(speak().next()).rejects.toMatchObject({ code: 'starting' });
    expect(await ground.peers.llm.countTokens({ messages: [], tier: '' }, {})).toMatchObject({ promptTokens: 1 });
    expect((await fetch(`http://${service.metrics}/readyz`)).status).toBe(503);
    expect((await fetch(`http://${service.metrics}/healthz`)).status).toBe(200);
  });

  it('leaves one connected trace, and its entries in the trail', async () => {
    await publisher();
    await start();
    ground.domain.release('second');
    await expect.poll(mode, PATIENCE).toBe('normal');
    for await (const _answer of ground.peers.llm.generate(generating, { caller: CALLER }));
    const stored = async (stream: string) => {
      const manager = await ground.nats.jetstreamManager();
      const { state } = await manager.streams.info(stream);
      const messages = Array.from({ length: state.messages }, (_, index) =>
        manager.streams.getMessage(stream, { seq: state.first_seq + index }),
      );
      return (await Promise.all(messages)).map((message) => message.json<unknown>());
    };
    await expect
      .poll(async () => ((await stored(STREAMS.traces)).flat() as SpanRecord[]).map(({ name }) => name), PATIENCE)
      .toContain('smartlite.v1.LlmService/Generate');
    await expect
      .poll(async () => ((await stored(STREAMS.audit)) as AuditEntry[]).map(({ kind }) => kind), PATIENCE)
      .toEqual(expect.arrayContaining(['mode.changed', 'service.started', 'call.served']));
    const spans = ((await stored(STREAMS.traces)).flat() as SpanRecord[]).filter(({ name }) => name.endsWith('Generate'));
    const entries = (await stored(STREAMS.audit)) as AuditEntry[];
    expect(entries.find(({ kind }) => kind === 'call.served')).toMatchObject({
      actor: 'alice',
      traceId: spans[0]?.traceId,
      producer: 'llm-1',
    });
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  });

  it('ends with code 0 when told to, after the calls in flight', async () => {
    await publisher();
    const service = await start();
    await expect.poll(mode, PATIENCE).toBe('normal');
    const answers = speak();
    await answers.next();
    const stopped = service.stop();
    ground.domain.release('second');
    expect((await answers.next()).value).toMatchObject({ kind: { value: { text: 'two' } } });
    expect((await answers.next()).done).toBe(true);
    expect(await stopped).toEqual({ code: 0, signal: null });
  });

  it('lists all wrong settings at once and ends with code 2, without a stack trace', async () => {
    const main = fileURLToPath(new URL('../../testkit/src/scripted/main.ts', import.meta.url));
    const failed = await promisify(execFile)(process.execPath, [main, FILE], {
      env: { PATH: process.env['PATH'], SMARTLITE_PARROTS: '9' },
    }).catch((caught: unknown) => caught);
    const { code, stderr } = failed as { code: number; stderr: string };
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(9);
    expect(stderr).toContain('SMARTLITE_PARROTS: is not within 1 to 3. It means: how many parrots.');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('a service whose fleet goes into safe mode', () => {
  it('cuts what is under way, refuses what comes, and serves again after the release', async () => {
    const verifier = await publisher();
    await start();
    await expect.poll(mode, PATIENCE).toBe('normal');
    const answers = speak();
    await answers.next();
    verifier.become('safe', { reasons: ['DIGEST_MISMATCH: mind'] });
    await expect(answers.next()).rejects.toMatchObject({ code: 'safe-mode', facts: { because: 'DIGEST_MISMATCH: mind' } });
    await expect(speak().next()).rejects.toMatchObject({ code: 'safe-mode' });
    const diagnosis = speak({ ...CALLER, operator: true });
    expect((await diagnosis.next()).done).toBe(false);
    await diagnosis.return?.();
    verifier.become('normal');
    // Asked of the service itself: what it has announced may still be the mode before all this.
    const served = async () => (await speak().next()).done;
    await expect.poll(() => served().catch(String), { timeout: 30_000 }).toBe(false);
  });

  it('says which status it has applied', async () => {
    const verifier = await publisher();
    const acks: string[] = [];
    const decode = (data: Uint8Array) =>
      JSON.parse(Buffer.from((JSON.parse(Buffer.from(data).toString()) as { payload: string }).payload, 'base64').toString()) as {
        mode: string;
        revision: number;
      };
    ground.nats.subscribe(SUBJECTS.lockAcks, {
      callback: (_error, message) =>
        void acks.push(`${message.subject} ${decode(message.data).mode} ${decode(message.data).revision}`),
    });
    await start();
    await expect.poll(() => acks.at(-1), PATIENCE).toBe('smartlite.lock.ack.llm.llm-1 normal 1');
    verifier.become('halted');
    await expect.poll(() => acks.at(-1), PATIENCE).toBe('smartlite.lock.ack.llm.llm-1 halted 2');
  });
});

describe('a service cut off from the verifier', () => {
  it('stops by its own clock, even for operators', async () => {
    const verifier = await publisher({ leaseMs: 2_000 });
    await start();
    await expect.poll(mode, PATIENCE).toBe('normal');
    const answers = speak();
    await answers.next();
    verifier.silence();
    await expect(answers.next()).rejects.toMatchObject({ code: 'safe-mode', facts: { local: 'true' } });
    await expect(speak({ ...CALLER, operator: true }).next()).rejects.toMatchObject({ code: 'safe-mode' });
  });
});

describe('a rogue on the bus', () => {
  it('moves nobody: neither with an unsigned status, nor with one of another fleet', async () => {
    await publisher();
    await start();
    await expect.poll(mode, PATIENCE).toBe('normal');
    using other = await testDomain({ fleet: 'other-fleet' });
    await using stranger = await statusPublisher(ground.url, other, { mode: 'halted', epoch: 9 });
    ground.nats.publish(SUBJECTS.lockStatus, stranger.envelope());
    ground.nats.publish(SUBJECTS.lockStatus, '{"mode":"halted"}');
    ground.nats.publish(SUBJECTS.lockStatus, '');
    await ground.nats.flush();
    ground.domain.release('second');
    expect((await speak().next()).done).toBe(false);
    expect(mode()).toBe('normal');
  });
});

describe('a byte of an artifact that changed', () => {
  it('keeps its engine from loading, by the finding of the engine process, and raises an alarm', async () => {
    const alarms: string[] = [];
    ground.nats.subscribe(SUBJECTS.lockAlarm, {
      callback: (_error, message) =>
        void alarms.push(Buffer.from(message.json<{ payload: string }>().payload, 'base64').toString()),
    });
    await publisher();
    const file = ground.domain.artifact('mind');
    writeFileSync(file, readFileSync(file, 'utf8').replace('two', 'owt'));
    await expect(start()).rejects.toThrow(/does not match the lock/);
    await expect.poll(() => alarms[0], PATIENCE).toContain('"code":"DIGEST_MISMATCH"');
    expect(alarms[0]).toContain('"artifact":"mind-script"');
  });
});

describe('an engine process that crashes', () => {
  it('fails its work as unavailable and leaves the service alive', async () => {
    await publisher();
    await start();
    await expect.poll(mode, PATIENCE).toBe('normal');
    const answers = ground.peers.llm
      .generate({ ...generating, messages: [{ role: 'user', content: 'crash' }] }, { caller: CALLER })
      [Symbol.asyncIterator]();
    await answers.next();
    await expect(answers.next()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await ground.peers.llm.countTokens({ messages: [], tier: '' }, {})).toMatchObject({ promptTokens: 1 });
  });
});
