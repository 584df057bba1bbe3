import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { guardKey } from '../spki.ts';
import { KIND_OF, type Role, roleUri } from './roles.ts';

/** Node's WebCrypto, in the library's own word for it. */
const WEB = webcrypto as Parameters<typeof x509.X509CertificateGenerator.create>[1];
const ECDSA = { name: 'ECDSA', hash: 'SHA-256' } as const;
const CA_USES = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

/** A certificate authority that can issue: certificate and private key, both P-256. */
export interface Authority {
  readonly certificate: string;
  readonly key: KeyObject;
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
