import 'reflect-metadata';
import { createPrivateKey, type KeyObject, verify } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { TrustError } from '../finding.ts';
import { type GuardedKey, guardKey } from '../spki.ts';
import { partsOf } from './der.ts';
import { KIND_OF, type Role, roleOfUri } from './roles.ts';

/** A leaf below one intermediate below the root. */
const CHAIN_MAX = 4;

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
  const known = uri?.type === 'url' ? roleOfUri(uri.value) : undefined;
  if (names.length !== 1 || !known) throw new TrustError('KEY_WRONG_ROLE', 'the certificate gives no role, or more than one');
  return known;
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

/** A private key out of PKCS#8 PEM that this project wrote. */
export function readPrivateKey(text: string): KeyObject {
  return createPrivateKey(text);
}
