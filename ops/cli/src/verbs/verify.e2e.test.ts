import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactOf, packOf } from '../up/fixtures/pack.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'smartlite.mjs');

/** A machine of its own with two artifacts, used only through the command. */
function machine() {
  const home = mkdtempSync(join(tmpdir(), 'smartlite-verify-'));
  const models = join(home, 'models');
  const artifacts = ['alpha', 'beta'].map((id) =>
    artifactOf(id, Buffer.from(`bytes of ${id}`), { kind: 'file', path: `${id}.bin` }),
  );
  for (const { id, path } of artifacts) {
    mkdirSync(dirname(join(models, path)), { recursive: true });
    writeFileSync(join(models, path), `bytes of ${id}`);
  }
  writeFileSync(join(home, 'pack.json'), packOf(artifacts));
  const { SMARTLITE_NATS_URL: _nats, ...environment } = process.env;
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
      encoding: 'utf8',
      env: { ...environment, SMARTLITE_HOME: home, SMARTLITE_PACK: join(home, 'pack.json') },
    });
    return { status, stdout, stderr };
  };
  return {
    home,
    lock: join(home, 'MODEL_LOCK.json'),
    artifact: (id: string) => join(models, id, 'data.bin'),
    run,
    json: (...args: string[]) => JSON.parse(run(...args, '--json').stdout) as Record<string, unknown>,
    trail: () =>
      readFileSync(join(home, 'model_verification.log'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly kind: string; readonly facts: Record<string, unknown> }),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Its exit code, where it says on stderr alone what cannot be read, without a stack trace. */
function unreadable({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }) {
  return stdout === '' && /can be read there/.test(stderr) && !/^ {4}at /m.test(stderr) ? status : stderr;
}

describe('a machine that has signed its pack', () => {
  it('verifies with exit code 0, and prints the facts as one object', () => {
    using here = machine();
    expect(here.run('sign')).toMatchObject({ status: 0 });
    const { status, stdout } = here.run('verify', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      mode: 'normal',
      lockSequence: 1,
      findings: [],
      artifacts: [
        { id: 'alpha', path: 'alpha/data.bin', state: 'verified' },
        { id: 'beta', path: 'beta/data.bin', state: 'verified' },
      ],
    });
  });

  it('lets a stock OpenSSL check every artifact', () => {
    using here = machine();
    here.run('sign');
    const folder = join(here.home, 'export');
    expect(here.run('verify', '--export', folder)).toMatchObject({ status: 0 });
    const lines = readFileSync(join(folder, 'artifacts.tsv'), 'utf8').trim().split('\n');
    for (const [id, path = ''] of lines.map((line) => line.split('\t'))) {
      const check = ['dgst', '-sha256', '-verify', join(folder, 'public-key.pem'), '-signature', join(folder, `${id}.sig`), path];
      expect(execFileSync('openssl', check, { encoding: 'utf8' })).toBe('Verified OK\n');
    }
    expect(lines).toHaveLength(2);
  });

  it('ends with 1 for a changed byte, a changed lock and a fleet of another root, and with 2 for what cannot be read', () => {
    using here = machine();
    here.run('sign');
    using other = machine();
    other.run('sign');
    const root = (place: string) => join(place, 'certs', 'smartlite-root-ca.pem');
    expect(here.run('verify', '--trust', root(here.home)).status).toBe(0);
    expect(here.run('verify', '--trust', root(other.home))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('KEY_UNTRUSTED'),
    });
    expect(here.run('verify', '--now', '2099-01-01T00:00:00Z').status).toBe(1);
    execFileSync('mkfifo', [join(here.home, 'fifo')]);
    for (const input of ['nowhere', 'fifo', '.'])
      for (const option of ['--lock', '--pack', '--trust'])
        expect(unreadable(here.run('verify', option, join(here.home, input)))).toBe(2);
    expect(unreadable(here.run('verify', '--lock', '/dev/zero'))).toBe(2);
    expect(here.run('verify', '--now', 'yesterday').status).toBe(2);
    writeFileSync(here.artifact('alpha'), 'bytes of ALPHA');
    expect(here.run('verify')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(
        'DIGEST_MISMATCH  artifact alpha (alpha/data.bin) does not match the lock in 1 of its 1 chunks',
      ),
    });
    expect(here.json('verify')['findings']).toMatchObject([
      { artifact: 'alpha', chunks: [{ index: 0, fromByte: 0, toByte: 14 }] },
    ]);
    writeFileSync(here.lock, readFileSync(here.lock, 'utf8').replace('"sequence": 1', '"sequence": 2'));
    expect(here.json('verify')).toMatchObject({ ok: false, mode: 'halted', lockSequence: null });
  });

  it('leaves a line in the audit log for every signature and every verification', () => {
    using here = machine();
    here.run('sign');
    here.run('verify');
    writeFileSync(here.artifact('alpha'), 'bytes of ALPHA');
    here.run('verify');
    expect(here.trail().map(({ kind }) => kind)).toEqual([
      'signature.made',
      'signature.made',
      'signature.made',
      'verification.passed',
      'verification.failed',
    ]);
    expect(here.trail().at(-1)?.facts).toMatchObject({ mode: 'safe', findings: ['DIGEST_MISMATCH:alpha'] });
  });

  it('does not sign with a key that others may read', () => {
    using here = machine();
    here.run('sign');
    const exposed = join(here.home, 'exposed.pem');
    writeFileSync(exposed, readFileSync(join(here.home, 'certs', 'model-signing-key.pem')));
    chmodSync(exposed, 0o644);
    expect(here.run('sign', '--key', exposed)).toMatchObject({ status: 1, stderr: expect.stringContaining('KEY_FILE_EXPOSED') });
  });

  it('refuses to sign bytes that the pack does not pin', () => {
    using here = machine();
    writeFileSync(here.artifact('alpha'), 'bytes of ALPHA');
    expect(here.run('sign')).toMatchObject({ status: 1, stderr: expect.stringContaining('DIGEST_MISMATCH') });
  });
});

describe('a lock that two holders must sign', () => {
  it('serves only when both have, one after the other over the same bytes; one holder counts once', () => {
    using here = machine();
    const [first, second] = ['first.pem', 'second.pem'].map((name) => join(here.home, name)) as [string, string];
    for (const key of [first, second]) expect(here.run('keys', 'new', '--key', key).status).toBe(0);
    const trust = join(here.home, 'trust.json');
    writeFileSync(trust, readFileSync(trust, 'utf8').replace('"lock": 1', '"lock": 2'));
    const waiting = `${here.lock}.waiting`;
    expect(here.run('sign', '--key', first)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`1 of 2 keys and waits at ${waiting}`),
    });
    expect(here.run('verify', '--lock', waiting)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('THRESHOLD_NOT_MET'),
    });
    expect(here.run('verify')).toMatchObject({ status: 2, stderr: expect.stringContaining(here.lock) });
    expect(here.run('sign', '--add', '--key', first)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('has signed this lock already'),
    });
    expect(here.run('sign', '--key', first, '--key', first)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('counts once'),
    });
    writeFileSync(here.artifact('alpha'), 'bytes of ALPHA');
    expect(here.run('sign', '--add', '--key', second)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('DIGEST_MISMATCH'),
    });
    writeFileSync(here.artifact('alpha'), 'bytes of alpha');
    const whole = readFileSync(waiting, 'utf8');
    const { signatures } = JSON.parse(whole) as { signatures: { artifacts: Record<'alpha' | 'beta', { sig: string }[]> } };
    const [one = '', other = ''] = [signatures.artifacts.alpha[0]?.sig, signatures.artifacts.beta[0]?.sig];
    writeFileSync(waiting, whole.replace(one, other));
    expect(here.run('sign', '--add', '--key', second)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('SIGNATURE_INVALID'),
    });
    writeFileSync(waiting, whole);
    expect(here.json('sign', '--add', '--key', second)).toMatchObject({
      complete: true,
      keysDue: 2,
      lock: here.lock,
      lockSequence: 1,
    });
    expect(here.run('verify')).toMatchObject({ status: 0 });
    expect(here.trail().filter(({ kind, facts }) => kind === 'signature.made' && facts['of'] === 'lock')).toHaveLength(2);
  });
});

describe('a signing key', () => {
  it('is rotated with overlap, then revoked by its last good lock, and a lock it signs later is refused', () => {
    using here = machine();
    here.run('sign');
    const [{ keyid: first = '' } = {}] = here.json('keys', 'list')['keys'] as { keyid?: string }[];
    const stolen = readFileSync(join(here.home, 'certs', 'model-signing-key.pem'));
    expect(here.run('keys', 'rotate').status).toBe(0);
    const { signatures } = JSON.parse(readFileSync(here.lock, 'utf8')) as { signatures: { lock: { keyid: string }[] } };
    expect(new Set(signatures.lock.map(({ keyid }) => keyid)).size).toBe(2);
    expect(here.run('keys', 'revoke', first.slice(0, 16)).status).toBe(0);
    expect(here.run('verify').status).toBe(0);
    const thief = join(here.home, 'stolen.pem');
    writeFileSync(thief, stolen, { mode: 0o600 });
    here.run('sign', '--key', thief);
    expect(here.run('verify')).toMatchObject({ status: 1, stdout: expect.stringContaining('KEY_REVOKED') });
    expect(here.run('sign').status).toBe(0);
    expect(here.run('verify').status).toBe(0);
  });

  it('is not made anew behind the back of a former domain', () => {
    using here = machine();
    here.run('sign');
    rmSync(join(here.home, 'trust.json'));
    expect(here.run('sign')).toMatchObject({ status: 1, stderr: expect.stringContaining('--new-trust') });
    expect(here.run('keys', 'new', '--new-trust').status).toBe(0);
    expect(here.run('sign').status).toBe(0);
    expect(here.run('verify').status).toBe(0);
  });
});
