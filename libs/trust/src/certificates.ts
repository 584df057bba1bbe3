import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, verify, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { TrustError } from './finding.ts';
import { type GuardedKey, guardKey, type KeyKind } from './spki.ts';

/** What a key may do. One role a certificate, written as a URI in the subject alternative name, as SPIFFE does. */
export const ROLES = ['model-signing', 'lock-status', 'instance', 'operator', 'audit-checkpoint'] as const;
export type Role = (typeof ROLES)[number];

const KIND_OF: Readonly<Record<Role, KeyKind>> = {
  'model-signing': 'secp256k1',
  'lock-status': 'ed25519',
  instance: 'ed25519',
  operator: 'ed25519',
  'audit-checkpoint': 'ed25519',
};

/** A leaf below one intermediate below the root. */
const CHAIN_MAX = 4;

/** A certificate authority that can issue: certificate and private key, both P-256. */
export interface Authority {
  readonly certificate: string;
  readonly key: KeyObject;
}

/** A certificate whose chain has been proven. */
export interface RoleCertificate {
  readonly role: Role;
  readonly fleet: string;
  /** Whom it names, for example an instance. */
  readonly subject: string;
  readonly key: GuardedKey;
  readonly validFrom: Date;
  readonly validTo: Date;
}

interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** Makes a self-signed P-256 root. */
export async function createRootAuthority(name: string, validity: Validity): Promise<Authority> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = { privateKey: await toWeb(privateKey), publicKey: await x509.PublicKey.create(spkiOf(publicKey)) };
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: `CN=${name}`,
      notBefore: validity.from,
      notAfter: validity.to,
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ECDSA,
      extensions: [new x509.BasicConstraintsExtension(true, 1, true), new x509.KeyUsagesExtension(CA_USES, true)],
    },
    WEB,
  );
  return { certificate: pem(certificate), key: privateKey };
}

/** Makes a P-256 intermediate below an authority. */
export async function createIntermediate(issuer: Authority, name: string, validity: Validity): Promise<Authority> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(CA_USES, true)];
  return { certificate: await issue(issuer, name, spkiOf(publicKey), validity, extensions), key: privateKey };
}

/** Certifies a key for one role. Gives PEM of the leaf. */
export async function issueRoleCertificate(
  issuer: Authority,
  request: { readonly role: Role; readonly fleet: string; readonly subject: string; readonly spki: Uint8Array },
  validity: Validity,
): Promise<string> {
  guardKey(request.spki, KIND_OF[request.role]);
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.SubjectAlternativeNameExtension([{ type: 'url', value: roleUri(request) }]),
  ];
  return issue(issuer, request.subject, request.spki, validity, extensions);
}

export interface ChainTrust {
  readonly fleet: string;
  /** PEM. */
  readonly roots: readonly string[];
}

/**
 * Proves that a chain (PEM, leaf first, root left out) leads to a root, is valid at that time in every link, and gives the leaf
 * exactly one role of those asked for, in this fleet. Certificates are parsed by a library and their keys guarded before
 * node:crypto sees them. Throws KEY_UNTRUSTED, KEY_EXPIRED, KEY_NOT_YET_VALID, KEY_WRONG_ROLE, KEY_WRONG_ALGORITHM, FLEET_MISMATCH.
 */
export function verifyRoleCertificate(
  chain: readonly string[],
  trust: ChainTrust,
  roles: readonly Role[],
  nowMs: number,
): RoleCertificate {
  return reading(() => proveChain(chain, trust, roles, nowMs));
}

function proveChain(chain: readonly string[], trust: ChainTrust, roles: readonly Role[], nowMs: number): RoleCertificate {
  if (chain.length === 0 || chain.length > CHAIN_MAX)
    throw new TrustError('KEY_UNTRUSTED', `a chain of ${chain.length} certificates; 1 to ${CHAIN_MAX} are due`);
  const certificates = chain.map(parse);
  const roots = trust.roots.map(parse);
  certificates.forEach((certificate, index) => {
    assertValidAt(certificate, nowMs);
    if (index > 0) assertAuthority(certificate, index - 1);
    const issuers = index + 1 < certificates.length ? certificates.slice(index + 1, index + 2) : roots;
    assertIssuedBy(certificate, issuers, { nowMs, below: index });
  });
  return leafOf(certificates[0] as x509.X509Certificate, trust, roles);
}

/** The library reads parts of a certificate when they are asked for, and throws its own errors for what an attacker has put there. */
function reading<T>(work: () => T): T {
  try {
    return work();
  } catch (caught) {
    if (caught instanceof TrustError) throw caught;
    throw new TrustError('KEY_MALFORMED', 'a certificate of the chain cannot be read', caught);
  }
}

/** When a certificate is valid, and its key's id, without proving anything. */
export function readCertificate(text: string): {
  readonly subject: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  readonly spki: Uint8Array;
} {
  return reading(() => {
    const certificate = parse(text);
    return {
      subject: certificate.subject,
      validFrom: certificate.notBefore,
      validTo: certificate.notAfter,
      spki: new Uint8Array(certificate.publicKey.rawData),
    };
  });
}

/** The PEM blocks of a file, in order. */
export function splitPem(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

/** Node's WebCrypto, in the library's own word for it. */
const WEB = webcrypto as Parameters<typeof x509.X509CertificateGenerator.create>[1];
const ECDSA = { name: 'ECDSA', hash: 'SHA-256' } as const;
const CA_USES = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

async function issue(
  issuer: Authority,
  name: string,
  spki: Uint8Array,
  { from, to }: Validity,
  extensions: x509.Extension[],
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: new x509.X509Certificate(issuer.certificate).subject,
      notBefore: from,
      notAfter: to,
      publicKey: await x509.PublicKey.create(Buffer.from(spki)),
      signingKey: await toWeb(issuer.key),
      signingAlgorithm: ECDSA,
      extensions,
    },
    WEB,
  );
  return pem(certificate);
}

function leafOf(leaf: x509.X509Certificate, trust: ChainTrust, roles: readonly Role[]): RoleCertificate {
  const { role, fleet, subject } = rolesOf(leaf);
  if (!roles.includes(role))
    throw new TrustError('KEY_WRONG_ROLE', `the certificate is for ${role}; ${roles.join(' or ')} is due`);
  if (fleet !== trust.fleet)
    throw new TrustError('FLEET_MISMATCH', `the certificate is of fleet ${fleet}; this is ${trust.fleet}`);
  if (leaf.getExtension(x509.BasicConstraintsExtension)?.ca)
    throw new TrustError('KEY_WRONG_ROLE', `${leaf.subject} is an authority; an authority signs certificates alone`);
  const key = guardKey(new Uint8Array(leaf.publicKey.rawData), KIND_OF[role]);
  return { role, fleet, subject, key, validFrom: leaf.notBefore, validTo: leaf.notAfter };
}

function rolesOf(leaf: x509.X509Certificate): { readonly role: Role; readonly fleet: string; readonly subject: string } {
  const names = leaf.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const [uri] = names;
  const match = /^smartlite:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri?.type === 'url' ? uri.value : '');
  const role = ROLES.find((each) => each === match?.[2]);
  if (names.length !== 1 || !match || !role)
    throw new TrustError('KEY_WRONG_ROLE', 'the certificate gives no role, or more than one');
  return { role, fleet: decodeURIComponent(match[1] ?? ''), subject: decodeURIComponent(match[3] ?? '') };
}

function roleUri({ role, fleet, subject }: { readonly role: Role; readonly fleet: string; readonly subject: string }): string {
  return `smartlite://${encodeURIComponent(fleet)}/${role}/${encodeURIComponent(subject)}`;
}

function parse(text: string): x509.X509Certificate {
  try {
    return new x509.X509Certificate(text);
  } catch (cause) {
    throw new TrustError('KEY_MALFORMED', 'a certificate of the chain cannot be read', cause);
  }
}

function assertValidAt({ notBefore, notAfter, subject }: x509.X509Certificate, nowMs: number): void {
  // A time that is none compares with nothing, so it would never end.
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime()))
    throw new TrustError('KEY_MALFORMED', `the certificate of ${subject} gives no valid times`);
  if (nowMs < notBefore.getTime())
    throw new TrustError('KEY_NOT_YET_VALID', `${subject} is valid from ${notBefore.toISOString()}: check the clock`);
  if (nowMs > notAfter.getTime())
    throw new TrustError('KEY_EXPIRED', `${subject} ended at ${notAfter.toISOString()}: rotate the key and sign anew`);
}

/** RFC 5280, 4.2.1.9: `below` authorities stand between it and the leaf, and it may limit how many. */
function assertAuthority(certificate: x509.X509Certificate, below: number): void {
  const basic = certificate.getExtension(x509.BasicConstraintsExtension);
  const usages = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
  if (!basic?.ca || (usages & x509.KeyUsageFlags.keyCertSign) === 0)
    throw new TrustError('KEY_UNTRUSTED', `${certificate.subject} may not issue certificates`);
  if (basic.pathLength !== undefined && below > basic.pathLength)
    throw new TrustError('KEY_UNTRUSTED', `${certificate.subject} may not have ${below} authorities below it`);
}

function assertIssuedBy(
  certificate: x509.X509Certificate,
  issuers: readonly x509.X509Certificate[],
  { nowMs, below }: { readonly nowMs: number; readonly below: number },
): void {
  const issuer = issuers.find((each) => each.subject === certificate.issuer && signedBy(certificate, each));
  if (!issuer) throw new TrustError('KEY_UNTRUSTED', `${certificate.subject} was not issued by a key that is trusted here`);
  assertValidAt(issuer, nowMs);
  assertAuthority(issuer, below);
}

function signedBy(certificate: x509.X509Certificate, issuer: x509.X509Certificate): boolean {
  const { key } = guardKey(new Uint8Array(issuer.publicKey.rawData), 'p256');
  const { tbs, signature } = partsOf(new Uint8Array(certificate.rawData));
  return verify('sha256', tbs, { key, dsaEncoding: 'der' }, signature);
}

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, BIT STRING }: the two parts that a signature check needs, as they stand. */
function partsOf(der: Uint8Array): { readonly tbs: Uint8Array; readonly signature: Uint8Array } {
  const outer = element(der, 0, SEQUENCE);
  const tbs = element(der, outer.body, SEQUENCE);
  const algorithm = element(der, tbs.end, SEQUENCE);
  const bits = element(der, algorithm.end, BIT_STRING);
  if (outer.end !== der.length || bits.end !== outer.end)
    throw new TrustError('KEY_MALFORMED', 'a certificate of the chain holds more than a certificate');
  // A bit string begins with the number of unused bits, none here.
  return { tbs: der.subarray(outer.body, tbs.end), signature: der.subarray(bits.body + 1, bits.end) };
}

/** One DER element. Indefinite lengths are BER, and another parser might read them otherwise. */
function element(der: Uint8Array, at: number, tag: number): { readonly body: number; readonly end: number } {
  const first = der[at + 1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const length =
    lengthBytes === 0 ? first : Number(`0x${Buffer.from(der.subarray(at + 2, at + 2 + lengthBytes)).toString('hex') || '0'}`);
  const body = at + 2 + lengthBytes;
  if (der[at] !== tag || first === 0x80 || lengthBytes > 4 || body + length > der.length)
    throw new TrustError('KEY_MALFORMED', 'a certificate of the chain is not DER, or is cut short');
  return { body, end: body + length };
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

function serial(): string {
  // Positive, as RFC 5280 wants it: the first bit stays clear.
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}

function spkiOf(key: KeyObject): Uint8Array {
  return key.export({ type: 'spki', format: 'der' });
}

function toWeb(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}

/** A private key out of PKCS#8 PEM that this project wrote. */
export function readPrivateKey(text: string): KeyObject {
  return createPrivateKey(text);
}
