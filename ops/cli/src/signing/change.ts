import { rename, rm, stat } from 'node:fs/promises';
import {
  createSigningKey,
  issueSigningCertificate,
  lockDigest,
  readCertificate,
  sha256Hex,
  signedPart,
  type TrustDocument,
  TrustError,
  verifyLockSignatures,
} from '@smartlite/trust';
import { domainFiles, readTrust, writeKey, writeTrust } from '../domain/files.ts';
import { authorityOf, ensureDomain, signAnew } from '../domain/local.ts';
import { Problem } from '../problem.ts';
import { record } from '../trail/record.ts';
import type { Place } from '../up/place.ts';
import { keepCertified, listKeys, rotateDomainKey } from './keyring.ts';
import { readLock } from './lockfile.ts';
import { makeSource, openSource } from './source.ts';

/** What a change of keys came to. */
export interface ChangedKey {
  readonly keyid: string;
  readonly validUntil: string | null;
  readonly news: readonly string[];
}

/** Makes the domain's first key, and the domain where there is none. */
export async function newKey(place: Place, nowMs: number, { newTrust }: { readonly newTrust: boolean }): Promise<ChangedKey> {
  const news: string[] = [];
  if (newTrust) await leaveDomain(place, news);
  const known = await readTrust(place.trust);
  const trust = known ?? (await ensureDomain(place, nowMs, news));
  if (known && (await listKeys(place)).some(({ state }) => state === 'current'))
    throw new Problem('There is a signing key already.', 'Put a new one in its place: npx smartlite keys rotate.');
  if (known)
    await writeKey(domainFiles(place).signing, await createSigningKey(await authority(place, trust), trust.fleet, nowMs));
  const [current] = await listKeys(place);
  if (current === undefined) throw new Error('the new key is not there');
  return changed(place, { keyid: current.keyid, chain: current.chain }, newTrust ? 'new trust domain' : 'new', [
    ...news,
    `Signing key ${current.keyid.slice(0, 16)}: ${current.source}`,
  ]);
}

/** The former domain's mark and lock are put aside: with them here, whoever deletes keys would get anything signed. */
async function leaveDomain(place: Place, news: string[]): Promise<void> {
  for (const path of [place.trust, place.mark, place.lock])
    await rename(path, `${path}.former`).then(
      () => news.push(`${path} was put aside as ${path}.former.`),
      () => undefined,
    );
  for (const { key, certificate } of Object.values(domainFiles(place)))
    await Promise.all([key, certificate].map((path) => rm(path, { force: true })));
}

/** Certifies the key of a source for this domain; a key in a file or token is made where it is not there yet. */
export async function certifyNew(place: Place, source: string, nowMs: number): Promise<ChangedKey> {
  const news: string[] = [];
  const trust = await ensureDomain(place, nowMs, news);
  await makeSource(source);
  await using key = await openSource(source);
  const keyid = sha256Hex(key.spki);
  const chain = await issueSigningCertificate(await authority(place, trust), { fleet: trust.fleet, spki: key.spki }, nowMs);
  await keepCertified(place, { keyid, source, chain });
  return changed(place, { keyid, chain }, 'certified', [
    ...news,
    `Key ${keyid.slice(0, 16)} is certified. Sign with it: npx smartlite sign --key '${source}'`,
  ]);
}

/** The next key takes the current one's place; the lock is signed anew by both, so that each vouches for the change. */
export async function rotateKey(place: Place, source: string | undefined, nowMs: number): Promise<ChangedKey> {
  const trust = await existing(place);
  const issuer = await authority(place, trust);
  const next =
    source === undefined ? await createSigningKey(issuer, trust.fleet, nowMs) : await chained(place, trust, source, nowMs);
  await rotateDomainKey(place, next);
  const [leaf = ''] = next.chain;
  const keyid = sha256Hex(readCertificate(leaf).spki);
  const news = [
    `Signing key ${keyid.slice(0, 16)} has taken the place of the former one, which signs too until its certificate ends.`,
  ];
  const outcome = await changed(place, { keyid, chain: next.chain }, 'rotated', news);
  return { ...outcome, news: [...news, await signAnew(place, trust, nowMs, 'the signing key was rotated')] };
}

async function chained(place: Place, trust: TrustDocument, source: string, nowMs: number) {
  await makeSource(source);
  await using key = await openSource(source);
  const chain = await issueSigningCertificate(await authority(place, trust), { fleet: trust.fleet, spki: key.spki }, nowMs);
  return { source, chain };
}

/** Refuses from now on what a key has signed. The last good lock is named by digest and sequence: a date could be signed into the past. */
export async function revokeKey(
  place: Place,
  prefix: string,
  { keepLock, nowMs }: { readonly keepLock: boolean; readonly nowMs: number },
): Promise<ChangedKey> {
  const trust = await existing(place);
  const keyid = await fullKeyId(place, prefix);
  if (trust.revocations.some((each) => each.keyid === keyid))
    throw new Problem(`Key ${keyid.slice(0, 16)} is revoked already.`, 'Nothing to do.');
  const lastGood = keepLock ? await lastGoodLock(place, trust, keyid) : null;
  await writeTrust(place.trust, { ...trust, revocations: [...trust.revocations, { keyid, last_good: lastGood }] });
  await record(place, [
    {
      kind: 'key.changed',
      facts: { change: 'revoked', keyid, lastGoodSequence: lastGood?.sequence ?? null, lastGoodDigest: lastGood?.digest ?? null },
    },
  ]);
  const current = (await listKeys(place)).find(({ state }) => state === 'current')?.keyid === keyid;
  const news = [
    `Key ${keyid.slice(0, 16)} is revoked${lastGood ? `; of its locks only ${lastGood.sequence} still counts` : ''}.`,
    current ? 'It is the signing key: npx smartlite keys rotate makes the next one.' : 'Sign without it: npx smartlite sign.',
    `Give ${place.trust} to every host and start the mesh again: running services have read the former one.`,
  ];
  return { keyid, validUntil: new Date(nowMs).toISOString(), news };
}

/** The lock that lies here, if this key has signed it and its signatures hold. */
async function lastGoodLock(place: Place, trust: TrustDocument, keyid: string) {
  const lock = await readLock(place.lock);
  if (typeof lock === 'string') return null;
  try {
    const signers = verifyLockSignatures(lock, trust, Date.parse(lock.issued));
    return signers.has(keyid) ? { sequence: lock.sequence, digest: lockDigest(signedPart(lock)) } : null;
  } catch (caught) {
    if (caught instanceof TrustError) return null;
    throw caught;
  }
}

async function fullKeyId(place: Place, prefix: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(prefix)) return prefix;
  const found = /^[0-9a-f]{8,}$/.test(prefix) ? (await listKeys(place)).filter(({ keyid }) => keyid.startsWith(prefix)) : [];
  const [key] = found;
  if (key && found.length === 1) return key.keyid;
  throw new Problem(
    `"${prefix}" names no one key of this domain.`,
    'npx smartlite keys list shows them; a key of elsewhere needs all 64 digits.',
    {
      exitCode: 2,
    },
  );
}

async function existing(place: Place): Promise<TrustDocument> {
  const trust = await readTrust(place.trust);
  if (trust) return trust;
  throw new Problem(`There is no trust domain at ${place.trust}.`, 'npm start or npx smartlite keys new makes one.');
}

async function authority(place: Place, trust: TrustDocument) {
  const { key } = domainFiles(place).intermediate;
  if (await stat(key).catch(() => undefined)) return authorityOf(place);
  throw new Problem(
    `The intermediate authority of ${trust.fleet} is not on this machine.`,
    'Have your authority certify the key where its own key lies.',
  );
}

async function changed(
  place: Place,
  { keyid, chain }: { readonly keyid: string; readonly chain: readonly string[] },
  change: string,
  news: readonly string[],
): Promise<ChangedKey> {
  const validUntil = readCertificate(chain[0] ?? '').validTo.toISOString();
  await record(place, [{ kind: 'key.changed', facts: { change, keyid, validUntil } }]);
  return { keyid, validUntil, news };
}
