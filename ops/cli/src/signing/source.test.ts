import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { encodeSignature, decodeSignature, pemSigner } from '@smartlite/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { kmsServer, vaultServer } from './fixtures/servers.ts';
import { makeSource, openSource } from './source.ts';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const MESSAGE = Buffer.from('what is signed');
const DIGEST = createHash('sha256').update(MESSAGE).digest();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'smartlite-source-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Signs with the source, and lets node:crypto, which knows nothing of us, check it. Gives the public key. */
async function provenBy(source: string): Promise<Buffer> {
  await using key = await openSource(source);
  for (let round = 0; round < 8; round += 1) {
    const signature = await key.sign(DIGEST);
    decodeSignature(encodeSignature(signature)); // Throws for high S.
    const spki = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' });
    expect(verify('sha256', MESSAGE, { key: spki, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  }
  return Buffer.from(key.spki);
}

describe('a key in a file', () => {
  it('signs, and is its owner’s alone when we have made it', async () => {
    const path = join(folder, 'key.pem');
    await makeSource(path);
    await provenBy(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is left as it is where there is one', async () => {
    const path = join(folder, 'key.pem');
    await makeSource(path);
    const first = await provenBy(path);
    await makeSource(path);
    expect(await provenBy(path)).toEqual(first);
  });

  it.each([
    ['SEC 1', ['ecparam', '-name', 'secp256k1', '-genkey', '-noout']],
    ['PKCS#8', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
  ])('signs when OpenSSL has made it: %s', async (_form, args) => {
    const path = join(folder, 'openssl.pem');
    execFileSync('openssl', [...args, '-out', path], { stdio: 'pipe' });
    chmodSync(path, 0o600);
    await provenBy(path);
  });

  it.each([0o644, 0o640, 0o602])('is refused when others may read or write it: %o', async (mode) => {
    const path = join(folder, 'key.pem');
    await makeSource(path);
    chmodSync(path, mode);
    await expect(openSource(path)).rejects.toThrow(/KEY_FILE_EXPOSED/);
  });

  it.each([
    ['a folder', (path: string) => mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/etc/hostname', path)],
    ['a FIFO', (path: string) => execFileSync('mkfifo', ['-m', '600', path])],
    ['no key', (path: string) => writeFileSync(path, 'hello', { mode: 0o600 })],
    ['a key of another curve', (path: string) => openssl(path, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout')],
    ['nothing', () => {}],
  ])('is refused when it is %s', async (_what, make) => {
    const path = join(folder, 'key.pem');
    make(path);
    await expect(openSource(path)).rejects.toMatchObject({ name: 'Problem', exitCode: 2 });
  });
});

function openssl(path: string, ...args: string[]): void {
  execFileSync('openssl', [...args, '-out', path], { stdio: 'pipe' });
  chmodSync(path, 0o600);
}

/** As on a machine without a compiler, where npm has left the optional package out. */
const WITHOUT_PKCS11JS = `
import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'pkcs11js') throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(specifier, context);
  },
});`;

describe('a key in a token, where the optional package that speaks to tokens is not installed', () => {
  it('is refused with the one command that installs it, exit code 2', () => {
    const hooks = `data:text/javascript,${encodeURIComponent(WITHOUT_PKCS11JS)}`;
    const program = join(import.meta.dirname, '..', 'main.ts');
    const source = `pkcs11:token=lite;object=signing?module-path=${MODULE}`;
    const { SMARTLITE_NATS_URL: _nats, ...inherited } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', hooks, program, 'sign', '--key', source], {
      encoding: 'utf8',
      env: { ...inherited, SMARTLITE_HOME: folder },
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('pkcs11js, which speaks to tokens, is not installed');
    expect(stderr).toContain('apt-get install -y g++ make python3 && npm install --no-save');
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('a key in a token (SoftHSM)', () => {
  const uri = `pkcs11:token=lite;object=signing?module-path=${MODULE}`;
  beforeEach(() => {
    mkdirSync(join(folder, 'tokens'));
    writeFileSync(join(folder, 'softhsm.conf'), `directories.tokendir = ${join(folder, 'tokens')}\n`);
    vi.stubEnv('SOFTHSM2_CONF', join(folder, 'softhsm.conf'));
    vi.stubEnv('SMARTLITE_PKCS11_PIN', '1234');
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'lite', '--pin', '1234', '--so-pin', '1234'], {
      stdio: 'pipe',
    });
  });

  it('is made there, signs, and is made once', async () => {
    await makeSource(uri);
    const spki = await provenBy(uri);
    await makeSource(uri);
    expect(await provenBy(uri)).toEqual(spki);
  });

  it('takes its PIN from a file', async () => {
    vi.stubEnv('SMARTLITE_PKCS11_PIN', undefined);
    writeFileSync(join(folder, 'pin'), '1234\n');
    await makeSource(`${uri}&pin-source=file:${join(folder, 'pin')}`);
  });

  it.each([
    ['a wrong PIN', uri, '9999', /CKR_PIN/],
    ['no PIN', uri, '', /no PIN/],
    ['another token', uri.replace('lite', 'other'), '1234', /no such token/],
    ['no such key', uri, '1234', /holds no such public key/],
    ['a PIN within the URI', `${uri}&pin-value=1234`, '1234', /"pin-value" is not taken/],
    ['no module', 'pkcs11:object=x', '1234', /no module/],
    ['a module that is none', 'pkcs11:object=x?module-path=/nowhere.so', '1234', /nowhere/],
  ])('is refused, and says why: %s', async (_what, source, pin, why) => {
    vi.stubEnv('SMARTLITE_PKCS11_PIN', pin);
    await expect(openSource(source)).rejects.toMatchObject({ name: 'Problem', message: expect.stringMatching(why) });
  });
});

describe('a key in AWS KMS', () => {
  const uri = 'awskms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
  });

  it('signs; its DER with high S becomes 64 bytes with low S', async () => {
    await using kms = await kmsServer();
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', kms.url);
    expect(await provenBy(uri)).toEqual(Buffer.from(pemSigner(kms.pem).spki));
    expect(kms.seen.at(-1)?.headers.authorization).toContain('/eu-central-1/kms/aws4_request');
    expect(JSON.stringify(kms.seen)).not.toContain('secret');
  });

  it.each([
    ['a key of another kind', {}, 'ECC_NIST_P256', /is a key ECC_NIST_P256/],
    ['credentials that may not', { AWS_ACCESS_KEY_ID: 'OTHER' }, 'ECC_SECG_P256K1', /AccessDenied/],
    ['no credentials', { AWS_ACCESS_KEY_ID: '' }, 'ECC_SECG_P256K1', /No credentials/],
  ])('is refused, and says why: %s', async (_what, environment, keySpec, why) => {
    await using kms = await kmsServer({ keySpec });
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', kms.url);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    await expect(openSource(uri)).rejects.toMatchObject({ name: 'Problem', message: expect.stringMatching(why) });
  });

  it('is refused where the ARN is none', async () => {
    await expect(openSource('awskms:alias/x')).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('a key in Vault', () => {
  const uri = 'vault:secret/smartlite/signing';

  it('signs', async () => {
    await using vault = await vaultServer();
    vi.stubEnv('VAULT_ADDR', vault.url);
    vi.stubEnv('VAULT_TOKEN', 'test-token');
    expect(await provenBy(uri)).toEqual(Buffer.from(pemSigner(vault.pem).spki));
  });

  it.each([
    ['a token that may not', uri, 'other', /answers 403/],
    ['nothing there', 'vault:secret/else', 'test-token', /answers 404/],
    ['no such field', `${uri}#other`, 'test-token', /no field other/],
    ['a path that leads up', 'vault:secret/../sys', 'test-token', /no path in Vault/],
  ])('is refused, and says why: %s', async (_what, source, token, why) => {
    await using vault = await vaultServer();
    vi.stubEnv('VAULT_ADDR', vault.url);
    vi.stubEnv('VAULT_TOKEN', token);
    await expect(openSource(source)).rejects.toMatchObject({ name: 'Problem', message: expect.stringMatching(why) });
  });
});

describe('a source that is not known', () => {
  it('is misuse', async () => {
    await expect(openSource('gopher:x')).rejects.toMatchObject({ exitCode: 2 });
  });
});
