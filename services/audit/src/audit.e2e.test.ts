import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AuditEntry, SUBJECTS } from '@smartlite/contracts';
import { natsServer, startService, temporaryFolder, testDomain } from '@smartlite/testkit';
import { decodeBundle, encodeBundle, parseVerifierKey } from '@smartlite/tlog';
import { encodeAnswerReceipt, openReceipt, roleTrust } from '@smartlite/trust';
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
      // The database's side files go while one looks.
      .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true && !/-(shm|wal)$/.test(name))
      .map((name) => [relative('.', name), readFileSync(join(folder, name))]),
  );
}
/** The second opinion on the log. */
function entriesChecked(folder = logFolder()): number {
  const { publicKey } = parseVerifierKey(readFileSync(join(set.keys, FLEET, 'local', 'log.vkey'), 'utf8'));
  return checkLog(filesOf(folder), publicKey);
}
const smartlite = (...args: readonly string[]) => smartliteWith({}, ...args);
function smartliteWith(more: Record<string, string>, ...args: readonly string[]) {
  const environment = { PATH: process.env['PATH'], SMARTLITE_HOME: set.domain.home, ...more };
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
function logged(folder = logFolder(), name = 'llm-9') {
  const service = name === 'cli' ? 'cli' : 'llm';
  const { stdout } = smartlite('audit', 'query', '--log', folder, '--json', '--service', service, '--limit', '100000');
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

describe('two processes of one log at the same time', () => {
  it('never fork it: one writes, the other stands by and goes on where the first was killed', async () => {
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    const nats = await connect({ servers: server.url });
    set.stack.defer(() => nats.close());
    const spool = await producer(() => nats);
    spool.heard(nats);
    let writer = await startAudit(server.url);
    for (let round = 1; round <= 3; round += 1) {
      const standby = await startAudit(server.url, { SMARTLITE_INSTANCE: 'audit-1' });
      spool.make(100);
      const sending = spool.send();
      await expect.poll(() => spool.receipted.size, PATIENCE).toBeGreaterThan((round - 1) * 100);
      await writer.kill();
      await sending;
      await expect.poll(() => spool.send(), PATIENCE).toBe(0);
      writer = standby;
    }
    await writer.stop();
    const entries = logged();
    expect(entries.map(({ counter }) => counter)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
    // Each receipt that either has given is true of the one log: nobody has signed another history.
    for (const { id, index } of entries) expect(spool.receipted.get(id)).toBe(index);
    expect(smartlite('audit', 'verify')).toMatchObject({ status: 0, stderr: '' });
    expect(entriesChecked()).toBeGreaterThanOrEqual(300);
  });
});

describe('two hosts with the key of one log', () => {
  it('never write two histories: the second waits for the first’s death, and writes only where its files extend all that was signed', async () => {
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    const nats = await connect({ servers: server.url });
    set.stack.defer(() => nats.close());
    const spool = await producer(() => nats);
    spool.heard(nats);
    const logAll = async (count: number) => {
      spool.make(count);
      await expect.poll(() => spool.send(), PATIENCE).toBe(0);
    };
    const lease = { SMARTLITE_AUDIT_LEASE_MS: '2000' };
    const other = join(set.domain.home, 'other-host');
    const others = { keys: join(other, 'keys'), log: join(other, 'audit', FLEET, 'local') };
    cpSync(set.keys, others.keys, { recursive: true });
    const onOther = {
      ...(await set.domain.environment('audit', 'audit-2')),
      ...lease,
      SMARTLITE_CHECKPOINT_IDENTITY: others.keys,
      SMARTLITE_AUDIT_DIR: join(other, 'audit'),
    };
    const first = await startAudit(server.url, lease);
    await logAll(50);
    const second = await startAudit(server.url, onOther);
    await expect.poll(() => second.output(), PATIENCE).toContain('LOG_ROLLED_BACK');
    await first.kill();
    // Nobody to wait for any more, and still it writes nothing until the dead host's files are there.
    cpSync(logFolder(), others.log, { recursive: true });
    expect(existsSync(join(others.keys, FLEET, 'local', 'mark'))).toBe(false);
    await logAll(50);
    await second.stop();
    for (const { id, index } of logged(others.log)) expect(spool.receipted.get(id)).toBe(index);
    expect(entriesChecked(others.log)).toBeGreaterThanOrEqual(100);
    // The first host is now the backup. Without its mark, the control log alone knows what was signed since.
    rmSync(join(set.keys, FLEET, 'local', 'mark'));
    const returned = await startAudit(server.url, lease);
    await expect.poll(() => returned.output(), PATIENCE).toContain('LOG_ROLLED_BACK');
    expect(entriesChecked()).toBeLessThan(100);
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
    return { service, spool, url: server.url };
  }

  it('finds entries, proves one by a file that verifies elsewhere, and says no to a changed one', async () => {
    const { service, url } = await aLog();
    const file = join(set.domain.home, 'proof');
    expect(smartlite('audit', 'prove', 'llm-9.b1.7', '--out', file)).toMatchObject({ status: 0, stderr: '' });
    // The same question to the files and to the service: the same answer, page by page.
    const asked = ['audit', 'query', '--kind', 'call', '--actor', 'alice', '--limit', '3', '--before', '100', '--json'];
    const files = smartlite(...asked);
    expect(files.stdout.trim().split('\n')).toHaveLength(3);
    const remote = smartliteWith({ SMARTLITE_NATS_URL: url }, ...asked, '--remote');
    expect(remote).toEqual(files);
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

  it('names every kind of damage with its code and its place, as a process that ends with 1', async () => {
    const { service } = await aLog();
    await service.stop();
    const bundle = join(logFolder(), 'tile', 'entries', '000');
    const checkpoint = join(logFolder(), 'checkpoint');
    const rewritten = (change: (entries: Uint8Array[]) => Uint8Array[]) =>
      encodeBundle(change([...decodeBundle(readFileSync(bundle), 'bundle')]));
    const damages: readonly (readonly [string, string, (bytes: Buffer) => Uint8Array, string])[] = [
      ['a byte', bundle, (bytes) => (bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200), bytes), 'ENTRY_CHANGED entry 0'],
      ['a dropped entry', bundle, () => rewritten((all) => all.toSpliced(40, 1)), 'ENTRY_DROPPED entry 40'],
      [
        'two entries that changed places',
        bundle,
        () => rewritten((all) => all.with(3, all[9] as Uint8Array).with(9, all[3] as Uint8Array)),
        'ENTRY_REORDERED entries 3, 9',
      ],
      [
        'a changed checkpoint',
        checkpoint,
        (bytes) => Buffer.from(bytes.toString().replace(/^\d+$/m, '299')),
        'SIGNATURE_INVALID checkpoint',
      ],
    ];
    expect(smartlite('audit', 'verify').status).toBe(0);
    for (const [what, file, damage, expected] of damages) {
      const untouched = readFileSync(file);
      writeFileSync(file, damage(Buffer.from(untouched)));
      const { status, stdout } = smartlite('audit', 'verify', '--json');
      expect([what, status]).toEqual([what, 1]);
      expect(
        json(stdout)
          .findings.map(({ code, where }) => `${code} ${where}`)
          .join(),
      ).toContain(expected);
      writeFileSync(file, untouched);
    }
    expect(smartlite('audit', 'verify').status).toBe(0);
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

describe('smartlite audit prove --receipt', () => {
  it('holds an answer’s receipt against log and lock, and names what is false in it', async () => {
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    const nats = await connect({ servers: server.url });
    set.stack.defer(() => nats.close());
    const service = await startAudit(server.url);
    const name = 'gateway-1';
    const identity = await set.domain.identity('instance', name);
    const gateway = signedProducer({ identity, fleet: FLEET, name, service: 'gateway' });
    const receipt = {
      fleet: FLEET,
      generation: 1,
      service: 'gateway',
      instance: name,
      boot: 'b0',
      entry: gateway.id(2),
      traceId: 'a'.repeat(32),
      atUnixMs: 1_700_000_000_002,
      dueUnixMs: 1_700_000_010_002,
      request: {},
      output: {},
      stages: [],
    };
    const { text, digest } = encodeAnswerReceipt(receipt, gateway.privateKey);
    gateway.line(2, { kind: 'turn.answered', facts: { receipt: digest } });
    for (const counter of [1, 2]) await nats.jetstream().publish(SUBJECTS.audit('gateway'), gateway.line(counter));
    const file = join(set.domain.home, 'answer.json');
    const prove = (kept: string) => {
      writeFileSync(file, JSON.stringify({ receipt: kept }));
      const { status, stdout } = smartliteWith(
        { SMARTLITE_PACK: set.domain.files.pack },
        'audit',
        'prove',
        '--receipt',
        file,
        '--json',
      );
      return [status, json(stdout).findings.map(({ code, where }) => `${code} ${where}`)];
    };
    await expect.poll(() => prove(text), PATIENCE).toEqual([0, []]);
    const lie = encodeAnswerReceipt({ ...receipt, traceId: 'b'.repeat(32) }, gateway.privateKey).text;
    expect(prove(lie)).toEqual([1, ['RECEIPT_CONTRADICTED traceId']]);
    await service.stop();
  });
});

describe('what was done on the command line while no mesh was there', () => {
  it('is in the trail with the next command that finds one, signed by the operator, and its log verifies', async () => {
    const operator = await set.domain.identity('operator', 'local');
    cpSync(join(operator.folder, 'key.pem'), join(set.domain.home, 'keys', 'operator-key.pem'));
    cpSync(join(operator.folder, 'certificate.pem'), join(set.domain.home, 'keys', 'operator-cert.pem'));
    const revoke = (digit: string, more = {}) => smartliteWith(more, 'keys', 'revoke', digit.repeat(64), '--none');
    for (const digit of ['a', 'b']) expect(revoke(digit)).toMatchObject({ status: 0, stderr: '' });
    const spool = join(set.domain.home, 'cli-trail');
    const waiting = readdirSync(spool);
    expect(waiting.flatMap((name) => readFileSync(join(spool, name), 'utf8').trim().split('\n'))).toHaveLength(4);
    // A file that somebody has broken holds up no other.
    writeFileSync(join(spool, '0-broken.ndjson'), '{"id"');
    const server = set.stack.use(await natsServer({ folder: set.jetstream }));
    await startAudit(server.url);
    const bus = { SMARTLITE_NATS_URL: server.url };
    expect(revoke('c', bus)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('0-broken.ndjson holds something else'),
    });
    expect(readdirSync(spool)).toEqual(['0-broken.ndjson']);
    const changed = () => logged(logFolder(), 'cli').filter(({ kind }) => kind === 'key.changed');
    await expect.poll(() => changed().length, PATIENCE).toBe(3);
    expect(changed().map(({ facts }) => facts['keyid'])).toEqual(['a', 'b', 'c'].map((digit) => digit.repeat(64)));
    expect(changed().every(({ signature }) => signature !== undefined)).toBe(true);
    expect(smartlite('audit', 'verify')).toMatchObject({ status: 0, stderr: '' });
    expect(entriesChecked()).toBeGreaterThanOrEqual(6);
  });
});
