import { generateKeyPairSync } from 'node:crypto';
import { createIdentity, createLocalDomain, createSigningKey, type LockFile, pemSigner, readPrivateKey } from '@smartlite/trust';
import { attack } from './attack.ts';
import { certificateFor, keyIdOf, spkiWithPoint } from './certificate.ts';
import { FLEET, NOW, signature, type Stage } from './stage.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
/** The curve's generator, uncompressed: SEC 2, 2.4.1. */
const GENERATOR =
  '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
const DAY_MS = 86_400_000;
const HALF = 32;

/** On signatures, keys and certificates. */
export const KEYS = [
  attack('r = 0', 'SIGNATURE_MALFORMED', 'halted', (stage) => rs(stage, ({ s }) => [0n, s])),
  attack('s = 0', 'SIGNATURE_MALFORMED', 'halted', (stage) => rs(stage, ({ r }) => [r, 0n])),
  attack('r = n', 'SIGNATURE_MALFORMED', 'halted', (stage) => rs(stage, ({ s }) => [ORDER, s])),
  attack('s = n', 'SIGNATURE_MALFORMED', 'halted', (stage) => rs(stage, ({ r }) => [r, ORDER])),
  attack('r above n', 'SIGNATURE_MALFORMED', 'halted', (stage) => rs(stage, ({ s }) => [ORDER + 5n, s])),
  attack('high S', 'SIGNATURE_HIGH_S', 'halted', (stage) => rs(stage, ({ r, s }) => [r, ORDER - s])),
  attack('DER where 64 bytes are due', 'SIGNATURE_MALFORMED', 'halted', (stage) =>
    spelt(stage, (sig) => Buffer.concat([Buffer.from('3044', 'hex'), bytes(sig)]).toString('base64')),
  ),
  attack('65 bytes', 'SIGNATURE_MALFORMED', 'halted', (stage) =>
    spelt(stage, (sig) => Buffer.concat([bytes(sig), Buffer.of(1)]).toString('base64')),
  ),
  attack('base64 without padding', 'SIGNATURE_MALFORMED', 'halted', (stage) => spelt(stage, (sig) => sig.replace(/=+$/, ''))),
  attack('base64url', 'SIGNATURE_MALFORMED', 'halted', (stage) =>
    spelt(stage, (sig) => `${bytes(sig).toString('base64url')}==`.replace(/^./, '-')),
  ),
  attack('base64 with a space', 'SIGNATURE_MALFORMED', 'halted', (stage) => spelt(stage, (sig) => ` ${sig}`)),
  attack('base64 with a newline', 'SIGNATURE_MALFORMED', 'halted', (stage) =>
    spelt(stage, (sig) => `${sig.slice(0, 20)}\n${sig.slice(20)}`),
  ),
  attack('base64 with a third padding', 'SIGNATURE_MALFORMED', 'halted', (stage) => spelt(stage, (sig) => `${sig}=`)),
  attack('empty signature', 'SIGNATURE_MALFORMED', 'halted', (stage) => spelt(stage, () => '')),
  attack('1,000 signatures', 'SIGNATURE_MALFORMED', 'halted', (stage) =>
    stage.edit(({ signatures: { lock } }) => void lock.push(...Array.from({ length: 1_000 }, () => lock[0] as (typeof lock)[0]))),
  ),
  attack('key id in capitals', 'SIGNATURE_MALFORMED', 'halted', (stage) =>
    stage.edit(({ signatures: { lock } }) => {
      for (const each of lock) each.keyid = each.keyid.toUpperCase();
    }),
  ),
  attack('base64 with stray bits', 'SIGNATURE_MALFORMED', 'halted', (stage) => spelt(stage, strayBits)),
  attack("another artifact's signature", 'SIGNATURE_INVALID', 'halted', (stage) =>
    stage.edit(({ signatures: { artifacts } }) => {
      artifacts['alpha'] = artifacts['beta'] ?? [];
    }),
  ),
  attack("an artifact's signature dropped", 'SIGNATURE_MISSING', 'halted', (stage) =>
    stage.edit(({ signatures: { artifacts } }) => {
      delete artifacts['alpha'];
    }),
  ),
  attack("another lock's signature", 'SIGNATURE_INVALID', 'halted', async (stage) => {
    const { signatures } = JSON.parse(Buffer.from(stage.lock).toString()) as LockFile;
    await stage.sign({ sequence: 2 });
    stage.edit((lock) => ({ ...lock, signatures: { ...lock.signatures, lock: signatures.lock } }));
  }),
  attack("another fleet's lock", 'FLEET_MISMATCH', 'halted', (stage) => stage.sign({ fleet: 'other-team' })),
  attack("another fleet's certificate", 'FLEET_MISMATCH', 'halted', async (stage) => {
    const { key, chain } = await createSigningKey(authority(stage), 'other-team', NOW);
    await stage.sign({ signers: [{ signer: pemSigner(key), chain }] });
  }),
  attack('key replaced and all signed anew', 'KEY_UNTRUSTED', 'halted', async (stage) => {
    const { signing } = await createLocalDomain(FLEET, NOW);
    await stage.sign({ signers: [{ signer: pemSigner(signing.key), chain: signing.chain }] });
  }),
  attack('same key id, other key', 'SIGNATURE_INVALID', 'halted', async (stage) => {
    const { signing } = await createLocalDomain(FLEET, NOW);
    const lock = JSON.parse(Buffer.from(stage.lock).toString()) as LockFile;
    const { signatures: _signatures, runtime_state: _state, $schema: _schema, ...part } = lock;
    const forged = await signature(part, signing.key);
    stage.edit(
      ({
        signatures: {
          lock: [own],
        },
      }) => {
        if (own) own.sig = forged.sig;
      },
    );
  }),
  attack('no certificate', 'KEY_UNTRUSTED', 'halted', (stage) =>
    stage.edit((lock) => ({ ...lock, signatures: { ...lock.signatures, certificates: [] } })),
  ),
  attack('certificate without its authority', 'KEY_UNTRUSTED', 'halted', (stage) =>
    stage.edit((lock) => ({
      ...lock,
      signatures: { ...lock.signatures, certificates: lock.signatures.certificates.slice(0, 1) },
    })),
  ),
  attack('certificate that is none', 'KEY_MALFORMED', 'halted', (stage) =>
    stage.edit((lock) => ({
      ...lock,
      signatures: { ...lock.signatures, certificates: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'] },
    })),
  ),
  attack('P-256 key', 'KEY_WRONG_ALGORITHM', 'halted', (stage) => certified(stage, spkiOf('ec', { namedCurve: 'P-256' }))),
  attack('Ed25519 key', 'KEY_WRONG_ALGORITHM', 'halted', (stage) =>
    certified(stage, generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })),
  ),
  attack('RSA key', 'KEY_WRONG_ALGORITHM', 'halted', (stage) =>
    certified(stage, generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' })),
  ),
  attack('explicit curve parameters', 'KEY_WRONG_ALGORITHM', 'halted', (stage) =>
    certified(stage, spkiOf('ec', { namedCurve: 'secp256k1', paramEncoding: 'explicit' })),
  ),
  attack('point at infinity', 'KEY_WRONG_ALGORITHM', 'halted', (stage) => certified(stage, spkiWithPoint(Buffer.of(0)))),
  attack('compressed point', 'KEY_WRONG_ALGORITHM', 'halted', (stage) =>
    certified(stage, spkiWithPoint(Buffer.from(`02${GENERATOR.slice(2, 66)}`, 'hex'))),
  ),
  attack('hybrid point', 'KEY_WRONG_ALGORITHM', 'halted', (stage) => certified(stage, spkiWithPoint(changed(0, 6)))),
  attack('point off the curve', 'KEY_MALFORMED', 'halted', (stage) => certified(stage, spkiWithPoint(changed(64, 1)))),
  attack('one signer counted twice', 'THRESHOLD_NOT_MET', 'halted', (stage) => {
    stage.trust = { ...stage.trust, thresholds: { lock: 2 } };
    stage.edit(({ signatures: { lock } }) => void lock.push(...lock));
  }),
  attack('threshold not met', 'THRESHOLD_NOT_MET', 'halted', (stage) => {
    stage.trust = { ...stage.trust, thresholds: { lock: 2 } };
  }),
  attack('revoked key', 'KEY_REVOKED', 'halted', (stage) => {
    const keyid = keyIdOf(pemSigner(stage.domain.signing.key).spki);
    stage.trust = { ...stage.trust, revocations: [{ keyid, last_good: null }] };
  }),
  attack('revoked key, lock made to look older', 'KEY_REVOKED', 'halted', async (stage) => {
    const keyid = keyIdOf(pemSigner(stage.domain.signing.key).spki);
    const { digest, file } = await stage.sign({ sequence: 5 });
    stage.trust = { ...stage.trust, revocations: [{ keyid, last_good: { sequence: file.sequence, digest } }] };
    await stage.sign({ sequence: 4, nowMs: NOW - 30 * DAY_MS });
  }),
  attack('certificate not yet valid', 'KEY_NOT_YET_VALID', 'safe', async (stage) => {
    const { key, chain } = await createSigningKey(authority(stage), FLEET, NOW + DAY_MS);
    await stage.sign({ signers: [{ signer: pemSigner(key), chain }] });
  }),
  attack('certificate expired', 'KEY_EXPIRED', 'safe', (stage) => {
    stage.nowMs = NOW + 91 * DAY_MS;
  }),
  attack('certificate of another role', 'KEY_WRONG_ROLE', 'halted', async (stage) => {
    const { chain } = await createIdentity(authority(stage), { role: 'operator', fleet: FLEET, subject: 'eve' }, NOW);
    stage.edit((lock) => ({ ...lock, signatures: { ...lock.signatures, certificates: [...chain] } }));
  }),
];

function authority({ domain }: Stage) {
  return { key: readPrivateKey(domain.intermediate.key), certificate: domain.intermediate.chain[0] ?? '' };
}

const bytes = (sig: string) => Buffer.from(sig, 'base64');

function spelt(stage: Stage, change: (sig: string) => string): void {
  stage.edit(({ signatures: { lock } }) => {
    for (const each of lock) each.sig = change(each.sig);
  });
}

function rs(stage: Stage, change: (signed: { readonly r: bigint; readonly s: bigint }) => readonly [bigint, bigint]): void {
  const part = (all: Buffer, from: number) => BigInt(`0x${all.subarray(from, from + HALF).toString('hex')}`);
  spelt(stage, (sig) => {
    const numbers = change({ r: part(bytes(sig), 0), s: part(bytes(sig), HALF) });
    return Buffer.from(numbers.map((each) => each.toString(16).padStart(2 * HALF, '0')).join(''), 'hex').toString('base64');
  });
}

/** The last character before the padding holds four bits that mean nothing. */
function strayBits(sig: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return `${sig.slice(0, 85)}${alphabet[alphabet.indexOf(sig[85] ?? 'A') + 1]}==`;
}

function spkiOf(type: 'ec', options: { namedCurve: string; paramEncoding?: 'explicit' }): Buffer {
  return generateKeyPairSync(type, options).publicKey.export({ type: 'spki', format: 'der' });
}

/** The generator of the curve with one octet changed. */
function changed(at: number, value: number): Buffer {
  const point = Buffer.from(GENERATOR, 'hex');
  point[at] = at === 0 ? value : (point[at] ?? 0) ^ value;
  return point;
}

/** Our own authority certifies such a key, and the lock names it as its signer. */
function certified(stage: Stage, spki: Uint8Array): void {
  const { signing, intermediate } = stage.domain;
  const leaf = certificateFor(spki, signing.chain[0] ?? '', intermediate.key);
  stage.edit(({ signatures }) => {
    signatures.certificates = [leaf, intermediate.chain[0] ?? ''];
    for (const each of signatures.lock) each.keyid = keyIdOf(spki);
  });
}
