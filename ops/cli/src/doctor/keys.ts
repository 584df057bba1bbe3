import {
  keyStage,
  LOCK_BYTES_MAX,
  PACK_BYTES_MAX,
  parseLock,
  readBounded,
  readMark,
  TrustError,
  verifyLock,
} from '@smartlite/trust';
import { domainFiles, readTrust } from '../domain/files.ts';
import { validityOf } from '../domain/validity.ts';
import type { Place } from '../up/place.ts';
import { type Check, fault, ok, warning } from './check.ts';

const DAY_MS = 86_400_000;

const ROTATE = 'npx smartlite keys rotate, which signs anew with both keys';

/** Looks at the certificates that things depend on, and at the lock's own proof. */
export async function checkKeys(place: Place, nowMs: number): Promise<Check[]> {
  const { root, intermediate, signing, operator } = domainFiles(place);
  const checks: Check[] = [];
  for (const [name, { certificate }] of Object.entries({ root, intermediate, signing, operator }))
    checks.push(await checkCertificate(name, certificate, nowMs));
  return [...checks, await checkLock(place, nowMs)];
}

/** When the lock was issued, as it says itself. */
export async function lockIssuedUnixMs(place: Place): Promise<number | undefined> {
  const bytes = await readBounded(place.lock, LOCK_BYTES_MAX).catch(() => undefined);
  try {
    return bytes && Date.parse(parseLock(bytes, place.lock).issued);
  } catch {
    return undefined; // The check of the lock names its fault.
  }
}

async function checkCertificate(role: string, path: string, nowMs: number): Promise<Check> {
  const name = `${role} key`;
  const validity = await validityOf(path).catch(() => undefined);
  if (validity === undefined)
    return warning(name, `no certificate at ${path}`, 'npm start makes a development domain; a production team brings its own.');
  const days = Math.floor((validity.toUnixMs - nowMs) / DAY_MS);
  if (nowMs < validity.fromUnixMs)
    return fault(name, `not valid before ${new Date(validity.fromUnixMs).toISOString()}`, 'Set the clock.');
  if (days < 0) return fault(name, `ended ${-days} days ago`, `Rotate it: ${ROTATE}.`);
  switch (keyStage(validity, nowMs)) {
    case 'fresh':
      return ok(name, `valid for ${days} days`);
    case 'warning':
      return warning(name, `ends in ${days} days`, `Rotate it: ${ROTATE}.`);
    case 'alert':
      return fault(name, `ends in ${days} days`, `Rotate it now: ${ROTATE}.`);
  }
}

async function checkLock(place: Place, nowMs: number): Promise<Check> {
  try {
    const trust = await readTrust(place.trust);
    if (trust === undefined)
      return fault('lock', `no trust document at ${place.trust}`, 'Run npm start, or name it with SMARTLITE_TRUST.');
    const [lock, pack, mark] = await Promise.all([
      readBounded(place.lock, LOCK_BYTES_MAX),
      readBounded(place.pack, PACK_BYTES_MAX),
      readMark(place.mark),
    ]);
    const proven = verifyLock({ lock, pack, trust, nowMs, ...(mark && { mark }) });
    return ok('lock', `sequence ${proven.lock.sequence} of fleet ${proven.lock.fleet}, until ${proven.lock.expires}`);
  } catch (caught) {
    const code = caught instanceof TrustError ? `${caught.code}: ` : '';
    return fault(
      'lock',
      `${code}${(caught as Error).message}`,
      'npx smartlite verify says more; npm start or npx smartlite sign makes a new lock.',
    );
  }
}
