import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AuditEntry, SUBJECTS } from '@smartlite/contracts';
import { natsServer, startService, temporaryFolder, testDomain } from '@smartlite/testkit';
import { parseVerifierKey } from '@smartlite/tlog';
import { openReceipt, roleTrust } from '@smartlite/trust';
import { connect, type NatsConnection } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLog } from './checker.fixture.ts';
import { signedProducer } from './producer.fixture.ts';

const SERVICE = fileURLToPath(new URL('./service.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../../../ops/cli/bin/smartlite.mjs', import.meta.url));
const FLEET = 'test-fleet';
const PATIENCE = { timeout: 120_000, interval: 100 };

async function ground() {
  const stack = new AsyncDisposableStack();
  const jetstream = stack.use(temporaryFolder());
  const domain = stack.use(await testDomain({ fleet: FLEET }));
  const keys = join(domain.home, 'keys', 'audit-checkpoint');
  cpSync((await domain.identity('audit-checkpoint', 'audit-log')).folder, keys, { recursive: true });
  const environment = await domain.environment('audit', 'audit-1');
  const { trust } = await domain.modelFiles();
  return { stack, domain, keys, environment, trust, jetstream: jetstream.path };
}
let set: Awaited<ReturnType<typeof ground>>;
beforeEach(async () => void (set = await ground()));
afterEach(() => set.stack.disposeAsync());

const startAudit = async (url: string, more: Record<string, string> = {}) =>
  set.stack.use(await startService({ file: SERVICE, environment: { ...set.environment, SMARTLITE_NATS_URL: url, ...more } }));
const logFolder = () => join(set.domain.home, 'audit', FLEET, 'local');

/** All files of a log, as any reader sees them. */
function filesOf(folder: string): Map<string, Uint8Array> {
  const names = readdirSync(folder, { recursive: true }) as string[];
  return new Map(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [relative('.', name), readFileSync(join(folder, name))]),
  );
}
/** The second opinion on the log. */
function entriesChecked(folder = logFolder()): number {
  const { publicKey } = parseVerifierKey(readFileSync(join(set.keys, FLEET, 'local', 'log.vkey'), 'utf8'));
  return checkLog(filesOf(folder), publicKey);
}
function smartlite(...args: readonly string[]) {
  const environment = { PATH: process.env['PATH'], SMARTLITE_HOME: set.domain.home };
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { env: environment, encoding: 'utf8' });
  return { status, stdout, stderr };
}
const json = (text: string) => JSON.parse(text) as Record<string, unknown> & { findings: { code: string; where: string }[] };

/** A producer as strict as a spool: sends each entry until its receipt, and remembers what was receipted where. */
async function producer(nats: () => NatsConnection, name = 'llm-9') {
  const roles = roleTrust(set.trust);
  const own = signedProducer({ identity: await set.domain.identity('instance', name), fleet: FLEET, name, boot: 'b1' });
  const lines: string[] = [];
  const receipted = new Map<string, number>();
  const digest = (line: string) => createHash('sha256').update(line).digest('hex');
  const heard = (connection: NatsConnection) =>
    connection.subscribe(SUBJECTS.auditReceipt(name), {
      callback: (_error, { data }) => {
        for (const { id, index } of openReceipt(data, roles, Date.now()).entries) receipted.set(id, index);
      },
    });
  let attempts = 0;
  return {
    receipted,
    heard,
    make(count: number) {
      for (let made = 0; made < count; made += 1) lines.push(own.line(lines.length + 1));
    },
    /** Sends what has no receipt; the bus may be away. */
    async send() {
      attempts += 1;
      const left = lines.filter((line) => !receipted.has((JSON.parse(line) as AuditEntry).id));
      const jetstream = nats().jetstream({ timeout: 2_000 });
      await Promise.allSettled(
        left.map((line) => jetstream.publish(SUBJECTS.audit('llm'), line, { msgID: `${digest(line)}/${attempts}` })),
      );
      return left.length;
    },
  };
}
/** Every entry once, in order, nothing else of this producer. */
function logged(name = 'llm-9') {
  const { stdout } = smartlite('audit', 'query', '--json', '--service', 'llm', '--limit', '100000');
  const entries = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry & { index: number });
  return entries.filter((entry) => entry.producer === name).toReversed();
}

describe('the audit service, killed again and again while entries come', () => {
  it('loses nothing that it has receipted, doubles nothing, and its log verifies', async () => {
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    const nats = await connect({ servers: server.url });
    set.stack.defer(() => nats.close());
    const spool = await producer(() => nats);
    spool.heard(nats);
    for (let round = 0; round < 4; round += 1) {
      const service = await startAudit(server.url);
      spool.make(150);
      const sending = spool.send();
      // Killed as soon as the first receipts of this round are there, in the middle of the others.
      await expect.poll(() => spool.receipted.size, PATIENCE).toBeGreaterThan(round * 150);
      await service.kill();
      await sending;
    }
    const service = await startAudit(server.url);
    await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    await service.stop();
    const entries = logged();
    expect(entries.map(({ counter }) => counter).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 600 }, (_, at) => at + 1),
    );
    for (const { id, index } of entries) expect(spool.receipted.get(id)).toBe(index);
    expect(smartlite('audit', 'verify')).toMatchObject({ status: 0, stderr: '' });
    expect(entriesChecked()).toBeGreaterThanOrEqual(600);
  });
});

describe('NATS, killed while entries come', () => {
  it('loses nothing: what it had taken comes again from the spools', async () => {
    let server = await natsServer({ folder: set.jetstream });
    const { url } = server;
    const nats = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    set.stack.defer(() => nats.close());
    const service = await startAudit(url);
    const spool = await producer(() => nats);
    spool.heard(nats);
    spool.make(300);
    const sending = spool.send();
    await expect.poll(() => spool.receipted.size, PATIENCE).toBeGreaterThan(0);
    await server.kill();
    await sending;
    server = set.stack.use(await natsServer({ folder: set.jetstream, port: Number(new URL(url).port) }));
    await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    await service.stop();
    expect(new Set(logged().map(({ id }) => id)).size).toBe(300);
    expect(logged()).toHaveLength(300);
    expect(smartlite('audit', 'verify').status).toBe(0);
  });
});

describe('a disk without room', () => {
  it('stops receipts, not the service; with room again everything is logged', async () => {
    const mount = set.stack.use(temporaryFolder());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount.path]);
    set.stack.defer(() => void execFileSync('umount', ['-l', mount.path]));
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    const nats = await connect({ servers: server.url });
    set.stack.defer(() => nats.close());
    const service = await startAudit(server.url, { SMARTLITE_AUDIT_DIR: join(mount.path, 'audit') });
    const spool = await producer(() => nats);
    spool.heard(nats);
    spool.make(20);
    await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    const free = Number(execFileSync('stat', ['-f', '-c', '%f', mount.path]).toString()) - 1;
    writeFileSync(join(mount.path, 'ballast'), Buffer.alloc(Math.max(0, free) * 4_096));
    spool.make(100);
    await spool.send();
    await expect.poll(() => service.output(), PATIENCE).toContain('the log cannot be written');
    expect(spool.receipted.size).toBe(20);
    execFileSync('rm', [join(mount.path, 'ballast')]);
    // What is left is small enough for the disk; JetStream brings it again, or the spool does.
    await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    await service.stop();
    expect(entriesChecked(join(mount.path, 'audit', FLEET, 'local'))).toBeGreaterThanOrEqual(120);
  });
});

describe('smartlite audit, over a log of a real mesh', () => {
  /** A log of 300 entries and more, its service stopped. */
  async function aLog() {
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    const nats = await connect({ servers: server.url });
    set.stack.defer(() => nats.close());
    const service = await startAudit(server.url);
    const spool = await producer(() => nats);
    spool.heard(nats);
    spool.make(300);
    await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    return { service, spool };
  }

  it('finds entries, proves one by a file that verifies elsewhere, and says no to a changed one', async () => {
    const { service } = await aLog();
    const file = join(set.domain.home, 'proof');
    expect(smartlite('audit', 'prove', 'llm-9.b1.7', '--out', file)).toMatchObject({ status: 0, stderr: '' });
    await service.stop();
    const key = join(set.domain.home, 'elsewhere.vkey');
    cpSync(join(set.keys, FLEET, 'local', 'log.vkey'), key);
    const { status, stdout } = smartlite('audit', 'verify', '--proof', file, '--key', key, '--json');
    expect(status).toBe(0);
    expect(json(stdout)).toMatchObject({ ok: true, entry: { id: 'llm-9.b1.7' } });
    const forged = readFileSync(file, 'utf8').replace(/^index \d+$/m, 'index 0');
    writeFileSync(file, forged);
    expect(smartlite('audit', 'verify', '--proof', file, '--key', key)).toMatchObject({ status: 1 });
    writeFileSync(file, 'rubbish');
    expect(smartlite('audit', 'verify', '--proof', file, '--key', key)).toMatchObject({ status: 2 });
    expect(smartlite('audit', 'query', '--id', 'nobody.b1.1')).toMatchObject({ status: 1, stderr: 'No entry matches.\n' });
    expect(smartlite('audit', 'verify', '--key', join(set.domain.home, 'nothing'))).toMatchObject({ status: 2 });
  });

  it('names a changed byte and a state that was put back, and is content with the untouched log', async () => {
    const { service, spool } = await aLog();
    const backup = join(set.domain.home, 'backup');
    cpSync(logFolder(), backup, { recursive: true });
    spool.make(50);
    await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    await service.stop();
    expect(json(smartlite('audit', 'verify', '--json').stdout)).toMatchObject({ ok: true, findings: [] });
    const found = () => {
      const { status, stdout } = smartlite('audit', 'verify', '--json');
      expect(status).toBe(1);
      return json(stdout).findings.map(({ code, where }) => `${code} ${where}`);
    };
    const first = join(logFolder(), 'tile', 'entries', '000');
    const untouched = readFileSync(first);
    const changed = Buffer.from(untouched);
    changed[100] = (changed[100] as number) ^ 1;
    writeFileSync(first, changed);
    expect(found()).toEqual(['ENTRY_CHANGED entry 0 in tile/entries/000']);
    writeFileSync(first, untouched);
    expect(smartlite('audit', 'verify').status).toBe(0);
    for (const [path, bytes] of filesOf(backup)) {
      mkdirSync(join(logFolder(), path, '..'), { recursive: true });
      writeFileSync(join(logFolder(), path), bytes);
    }
    expect(new Set(found())).toEqual(new Set(['ROLLED_BACK checkpoint']));
  });
});
