import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type KeyAndChain, readCertificate, sha256Hex, splitPem, type TrustDocument, writeAtomically } from '@smartlite/trust';
import { domainFiles, type KeyFiles, writeKey } from '../domain/files.ts';
import type { CertifiedSigner } from '../domain/signing.ts';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';
import { type KeySource, openSource } from './source.ts';

/** One signing certificate of the domain, and where its key lies. */
export interface KeyRecord {
  readonly keyid: string;
  readonly state: 'current' | 'former' | 'certified';
  readonly source: string;
  readonly chain: readonly string[];
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

/** Where a key that is no file lies; beside the certificate it belongs to. Holds no secret. */
const sourceFile = ({ certificate }: KeyFiles) => certificate.replace(/-cert\.pem$/, '-key.source');

/** Keys of this domain: the current one, the one before it, then those certified for use by --key. */
export async function listKeys(place: Place): Promise<readonly KeyRecord[]> {
  const { signing, formerSigning } = domainFiles(place);
  const extra: string[] = await readdir(certifiedFolder(place)).catch(() => []);
  extra.sort();
  const records = [
    await recordOf(signing, 'current'),
    await recordOf(formerSigning, 'former'),
    ...(await Promise.all(
      extra
        .filter((name) => name.endsWith('-cert.pem'))
        .map((name) => recordOf({ key: '', certificate: join(certifiedFolder(place), name) }, 'certified')),
    )),
  ];
  const found = records.filter((each) => each !== undefined);
  return found.filter(({ keyid }, index) => found.findIndex((each) => each.keyid === keyid) === index);
}

/** Keys that sign by default: the current one, and during an overlap the former one. */
export async function openDomainKeys(
  place: Place,
  { revocations }: TrustDocument,
  nowMs: number,
): Promise<{ readonly signers: readonly CertifiedSigner[] } & AsyncDisposable> {
  const revoked = new Set(revocations.map(({ keyid }) => keyid));
  const records = (await listKeys(place)).filter(({ state }) => state !== 'certified');
  const [current, former] = [records.find(({ state }) => state === 'current'), records.find(({ state }) => state === 'former')];
  if (current === undefined)
    throw new Problem('This domain has no signing key.', 'npx smartlite keys new makes one; or name one with --key.', {
      exitCode: 2,
    });
  if (revoked.has(current.keyid))
    throw new Problem(`The signing key ${current.keyid.slice(0, 16)} is revoked.`, 'Make a new one: npx smartlite keys rotate.');
  const inOverlap = former && !revoked.has(former.keyid) && nowMs < former.toUnixMs;
  // The former first, the current last: the last one is what an export takes.
  const stack = new AsyncDisposableStack();
  const signers: CertifiedSigner[] = [];
  for (const { source, chain } of inOverlap ? [former, current] : [current])
    signers.push({ signer: stack.use(await openSource(source)), chain });
  return { signers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The chain that certifies a key; undefined where this domain has certified it not. */
export async function chainOf(place: Place, { spki }: KeySource): Promise<readonly string[] | undefined> {
  const keyid = sha256Hex(spki);
  return (await listKeys(place)).find((each) => each.keyid === keyid)?.chain;
}

/**
 * Puts a new key in the current one's place; the current one becomes the former. What a full disk can refuse is written beside them first;
 * then names change, and no more: at no moment is there a domain that cannot sign because a disk was full.
 */
export async function rotateDomainKey(
  place: Place,
  next: KeyAndChain | { readonly source: string; readonly chain: readonly string[] },
): Promise<void> {
  const { signing, nextSigning, formerSigning } = domainFiles(place);
  try {
    if ('key' in next) await writeKey(nextSigning, next);
    else await writeSource(nextSigning, next);
  } catch (caught) {
    await removeKey(nextSigning);
    throw caught;
  }
  await moveKey(signing, formerSigning);
  await moveKey(nextSigning, signing);
}

/** Keeps the certificate of a key that is named by --key each time. */
export async function keepCertified(
  place: Place,
  { keyid, source, chain }: Pick<KeyRecord, 'keyid' | 'source' | 'chain'>,
): Promise<void> {
  await mkdir(certifiedFolder(place), { recursive: true, mode: 0o700 });
  const files = { key: '', certificate: join(certifiedFolder(place), `${keyid.slice(0, 16)}-cert.pem`) };
  await writeSource(files, { source, chain });
}

async function writeSource(files: KeyFiles, { source, chain }: Pick<KeyRecord, 'source' | 'chain'>): Promise<void> {
  await writeAtomically(sourceFile(files), `${source}\n`, 0o600);
  await writeAtomically(files.certificate, chain.map((pem) => `${pem.trim()}\n`).join(''));
}

function certifiedFolder({ keys }: Place): string {
  return join(keys, 'certified');
}

async function moveKey(from: KeyFiles, to: KeyFiles): Promise<void> {
  await removeKey(to);
  const move = (source: string, target: string) => rename(source, target).catch(ignoreAbsent);
  // The certificate goes last: without it there is no former key, whatever else lies there.
  await move(from.key, to.key);
  await move(sourceFile(from), sourceFile(to));
  await move(from.certificate, to.certificate);
}

function removeKey(files: KeyFiles): Promise<unknown> {
  return Promise.all([files.key, sourceFile(files), files.certificate].map((path) => rm(path, { force: true })));
}

function ignoreAbsent(caught: NodeJS.ErrnoException): void {
  if (caught.code !== 'ENOENT') throw caught;
}

async function recordOf(files: KeyFiles, state: KeyRecord['state']): Promise<KeyRecord | undefined> {
  const text = await readFile(files.certificate, 'utf8').catch(() => undefined);
  const chain = text === undefined ? [] : splitPem(text);
  if (chain[0] === undefined) return undefined;
  const { spki, validFrom, validTo } = readCertificate(chain[0]);
  const source = await readFile(sourceFile(files), 'utf8').catch(() => files.key);
  return {
    keyid: sha256Hex(spki),
    state,
    source: source.trim(),
    chain,
    fromUnixMs: validFrom.getTime(),
    toUnixMs: validTo.getTime(),
  };
}
