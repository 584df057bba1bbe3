import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Authority,
  createIdentity,
  createLocalDomain,
  createSigningKey,
  IDENTITY_LIFE_MS,
  LOCK_BYTES_MAX,
  parseLock,
  readBounded,
  readPrivateKey,
  type TrustDocument,
} from '@smartlite/trust';
import { Problem } from '../problem.ts';
import type { Domain } from '../up/domain.ts';
import type { Place } from '../up/place.ts';
import { domainFiles, readKey, readTrust, writeKey, writeTrust } from './files.ts';
import { openDomainKeys, rotateDomainKey } from '../signing/keyring.ts';
import { type PlacedLock, signingReason, signPack } from './signing.ts';
import { rotationDue } from './validity.ts';

const PREFIX = 'local-';

export interface LocalDomainState {
  readonly domain: Domain;
  /** What was done and should be known: a line each. */
  readonly news: readonly string[];
}

/**
 * Makes sure that this machine has a trust domain and a lock that covers the pack. A development domain is made at the first start,
 * rotates its signing key near its end, and signs anew when the pack has changed. A production domain is only read: its team signs.
 */
export async function ensureLocalDomain(place: Place, nowMs: number): Promise<LocalDomainState> {
  const news: string[] = [];
  const trust = await ensureDomain(place, nowMs, news);
  if (trust.class === 'development') {
    if (await rotationDue(domainFiles(place).signing.certificate, nowMs)) await rotateSigningKey(place, trust, nowMs, news);
    const reason = await signingReason(place, nowMs, { keyChanged: news.some((line) => line.startsWith('Signing key')) });
    if (reason) news.push(await signAnew(place, trust, nowMs, reason));
  }
  return { domain: issuer(await authorityOf(place), trust.fleet), news };
}

/** Signs the pack with the domain's own keys; gives the line that says so. */
export async function signAnew(place: Place, trust: TrustDocument, nowMs: number, because: string): Promise<string> {
  await using keys = await openDomainKeys(place, trust, nowMs);
  const { file, ...placed } = await signPack(place, trust, { nowMs, because, signers: keys.signers });
  const signed = `Lock ${file.sequence} signed, because ${because}: ${file.manifest.length} artifacts.`;
  return placed.keys < placed.due ? `${signed} ${describeWaiting(placed)}` : signed;
}

/** What a lock that wants further keys waits for. */
export function describeWaiting({ path, keys, due }: Pick<PlacedLock, 'path' | 'keys' | 'due'>): string {
  return `It has ${keys} of ${due} keys and waits at ${path}; the next holder adds one: npx smartlite sign --add --key SOURCE`;
}

/** Trust document and keys of this machine; made where there are none yet. */
export async function ensureDomain(place: Place, nowMs: number, news: string[]): Promise<TrustDocument> {
  return (await readTrust(place.trust)) ?? (await makeDomain(place, nowMs, news));
}

/** Root, intermediate, signing key and operator key. The trust document is written last: without it a next start begins afresh. */
async function makeDomain(place: Place, nowMs: number, news: string[]): Promise<TrustDocument> {
  await refuseForeignLock(place);
  await refuseLostKeys(place);
  const domain = await createLocalDomain(`${PREFIX}${randomBytes(8).toString('hex')}`, nowMs);
  const files = domainFiles(place);
  for (const name of ['root', 'intermediate', 'signing', 'operator'] as const) await writeKey(files[name], domain[name]);
  await writeTrust(place.trust, domain.trust);
  news.push(`New development trust domain ${domain.trust.fleet}; its keys lie in ${place.keys} and ${place.certs}.`);
  return domain.trust;
}

/** With a lock or mark of a former domain here, whoever deletes the keys would get anything signed: starting anew is a decision. */
async function refuseLostKeys(place: Place): Promise<void> {
  const left = [place.lock, place.mark].filter((path) => existsSync(path));
  if (left.length === 0) return;
  throw new Problem(
    `${place.trust} is missing, and ${left.join(' and ')} of a former trust domain ${left.length === 1 ? 'is' : 'are'} still here.`,
    'Restore it; or start a new domain, which is audited: npx smartlite keys new --new-trust',
  );
}

/** A team's lock must not be replaced by one that this machine has signed for itself. */
async function refuseForeignLock(place: Place): Promise<void> {
  const bytes = await readBounded(place.lock, LOCK_BYTES_MAX).catch(() => undefined);
  if (bytes === undefined) return;
  const { fleet } = parseLock(bytes, place.lock);
  if (fleet.startsWith(PREFIX)) return;
  throw new Problem(
    `${place.lock} belongs to fleet "${fleet}", whose trust document is not here.`,
    `Put it to ${place.trust}, or name it with SMARTLITE_TRUST.`,
  );
}

async function rotateSigningKey(place: Place, { fleet }: TrustDocument, nowMs: number, news: string[]): Promise<void> {
  await rotateDomainKey(place, await createSigningKey(await authorityOf(place), fleet, nowMs));
  news.push('Signing key rotated: the development certificate was near its end. The former key signs too until its own end.');
}

/** The intermediate that certifies keys. Its key lies on this disk in a development domain alone. */
export async function authorityOf(place: Place): Promise<Authority> {
  const { key, chain } = await readKey(domainFiles(place).intermediate);
  return { certificate: chain[0] ?? '', key: readPrivateKey(key) };
}

/** Certifies this machine's processes. */
function issuer(authority: Authority, fleet: string): Domain {
  return {
    async certify(folder, { role, instance }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
      const present = await readFile(files.key, 'utf8').catch(() => undefined);
      const nowMs = Date.now();
      const identity = await createIdentity(
        authority,
        { role, fleet, subject: instance },
        nowMs,
        IDENTITY_LIFE_MS,
        present === undefined ? undefined : readPrivateKey(present),
      );
      await writeKey(files, identity);
      return { endsUnixMs: nowMs + IDENTITY_LIFE_MS };
    },
  };
}
