import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { getPublicKey, utils } from '@noble/secp256k1';
import { type Authority, createIntermediate, createRootAuthority, issueRoleCertificate } from './certificates/issue.ts';
import { type Signer, signDigest } from './signature.ts';
import { sha256Hex } from './digest.ts';
import type { TrustDocument } from './trustdocument.ts';

const DAY_MS = 86_400_000;
const ROOT_LIFE_MS = 10 * 365 * DAY_MS;
const INTERMEDIATE_LIFE_MS = 3 * 365 * DAY_MS;
/** As the document of the user asks: signing keys live 90 days. */
export const SIGNING_KEY_LIFE_MS = 90 * DAY_MS;
/** Status keys and instance keys: short, renewed by whoever starts the processes. */
export const IDENTITY_LIFE_MS = DAY_MS;
const OPERATOR_LIFE_MS = 365 * DAY_MS;
/** Certificates begin a little in the past: clocks of one fleet differ. */
const BACKDATE_MS = 5 * 60_000;

/** A private key as PKCS#8 PEM and its certificate chain, leaf first. */
export interface KeyAndChain {
  readonly key: string;
  readonly chain: readonly string[];
}

/** A whole trust domain: what `npm start` makes for this machine, and what tests make for theirs. Keys are PEM. */
export interface LocalDomain {
  readonly trust: TrustDocument;
  readonly root: KeyAndChain;
  readonly intermediate: KeyAndChain;
  readonly signing: KeyAndChain;
  readonly operator: KeyAndChain;
}

/** Makes root, intermediate, signing key and operator key for a new fleet. Nothing is written. */
export async function createLocalDomain(
  fleet: string,
  nowMs: number,
  kind: TrustDocument['class'] = 'development',
): Promise<LocalDomain> {
  const root = await createRootAuthority('SmartLite root CA', validity(nowMs, ROOT_LIFE_MS));
  const intermediate = await createIntermediate(root, 'SmartLite intermediate CA', validity(nowMs, INTERMEDIATE_LIFE_MS));
  return {
    trust: {
      format: 'smartlite-trust/1',
      fleet,
      class: kind,
      generation: 1,
      min_sequence: 0,
      roots: [root.certificate],
      thresholds: { lock: 1 },
      revocations: [],
    },
    root: { key: pkcs8(root.key), chain: [root.certificate] },
    intermediate: { key: pkcs8(intermediate.key), chain: [intermediate.certificate] },
    signing: await createSigningKey(intermediate, fleet, nowMs),
    operator: await createIdentity(intermediate, { role: 'operator', fleet, subject: 'local' }, nowMs, OPERATOR_LIFE_MS),
  };
}

/** A new secp256k1 private key, PKCS#8 PEM. */
export function newSigningKeyPem(): string {
  return secp256k1Pem(utils.randomSecretKey());
}

/** A new secp256k1 signing key with its certificate. */
export async function createSigningKey(issuer: Authority, fleet: string, nowMs: number): Promise<KeyAndChain> {
  const key = newSigningKeyPem();
  return { key, chain: await issueSigningCertificate(issuer, { fleet, spki: pemSigner(key).spki }, nowMs) };
}

/** Certifies a signing key wherever it lies; gives the chain, leaf first. */
export async function issueSigningCertificate(
  issuer: Authority,
  { fleet, spki }: { readonly fleet: string; readonly spki: Uint8Array },
  nowMs: number,
): Promise<readonly string[]> {
  const leaf = await issueRoleCertificate(
    issuer,
    { role: 'model-signing', fleet, subject: `signing-${sha256Hex(spki).slice(0, 16)}`, spki },
    validity(nowMs, SIGNING_KEY_LIFE_MS),
  );
  return [leaf, issuer.certificate];
}

/** A new Ed25519 key with a certificate for one role. `keep`: certifies this key (PKCS#8 PEM) anew instead of making one. */
export async function createIdentity(
  issuer: Authority,
  request: {
    readonly role: 'lock-status' | 'instance' | 'operator' | 'audit-checkpoint';
    readonly fleet: string;
    readonly subject: string;
  },
  nowMs: number,
  lifeMs: number = IDENTITY_LIFE_MS,
  keep?: KeyObject,
): Promise<KeyAndChain> {
  const privateKey = keep ?? generateKeyPairSync('ed25519').privateKey;
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const leaf = await issueRoleCertificate(issuer, { ...request, spki }, validity(nowMs, lifeMs));
  return { key: pkcs8(privateKey), chain: [leaf, issuer.certificate] };
}

/** Signs with a secp256k1 private key in PEM form: PKCS#8 or SEC 1, as this project or OpenSSL writes it. */
export function pemSigner(pem: string): Signer {
  const secret = secretOf(pem);
  const spki = Buffer.concat([Buffer.from('3056301006072a8648ce3d020106052b8104000a034200', 'hex'), getPublicKey(secret, false)]);
  return { spki, sign: async (digest) => signDigest(digest, secret) };
}

const SECRET_BYTES = 32;
/** PKCS#8 { id-ecPublicKey, secp256k1, ECPrivateKey without the public key }: RFC 5208, RFC 5915. */
const SECP256K1_PKCS8_PREFIX = Buffer.from('303e020100301006072a8648ce3d020106052b8104000a042730250201010420', 'hex');

function secretOf(pem: string): Uint8Array {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const at = SECP256K1_PKCS8_PREFIX.length;
  if (der.length === at + SECRET_BYTES && der.subarray(0, at).equals(SECP256K1_PKCS8_PREFIX))
    return new Uint8Array(der.subarray(at));
  const { crv, d } = jwkOf(pem);
  if (crv !== 'secp256k1' || d === undefined)
    throw new TypeError('not a secp256k1 private key in PEM form, without a passphrase');
  return new Uint8Array(Buffer.from(d, 'base64url'));
}

/** The owner's own key, so that Node's parser may see it. Keys with explicit curve parameters have no such form and are refused. */
function jwkOf(pem: string): { readonly crv?: string | undefined; readonly d?: string | undefined } {
  try {
    return createPrivateKey(pem).export({ format: 'jwk' });
  } catch {
    return {};
  }
}

function secp256k1Pem(secret: Uint8Array): string {
  const body = Buffer.concat([SECP256K1_PKCS8_PREFIX, secret]).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${body.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function validity(nowMs: number, lifeMs: number) {
  return { from: new Date(nowMs - BACKDATE_MS), to: new Date(nowMs + lifeMs) };
}
