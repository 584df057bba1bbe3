import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { canonicalBytes, type LockFile, signedPart, type TrustDocument, TrustError, verifyLock } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';

/** Replays a run: SMARTLITE_SEED=... as the failure prints it. */
const SEED = Number(process.env['SMARTLITE_SEED'] ?? 20_261_124);
const RUNS = 1_500;

/** A lock as `smartlite sign` made it once, so that a seed replays a run: keys and certificates are made by chance. */
const made = JSON.parse(readFileSync(join(import.meta.dirname, 'lock.fixture.json'), 'utf8')) as {
  readonly lock: string;
  readonly pack: string;
  readonly trust: TrustDocument;
  readonly nowMs: number;
};
const lock = Buffer.from(made.lock);
const meaning = meaningOf(lock);

/** The signed part in its one form. */
function meaningOf(bytes: Uint8Array): string {
  return Buffer.from(canonicalBytes(signedPart(JSON.parse(Buffer.from(bytes).toString()) as LockFile))).toString();
}

/** Accepted only with the very meaning that was signed; refused only by a finding. */
function assertSound(changed: Uint8Array): void {
  let refused: unknown;
  try {
    const { trust, pack, nowMs } = made;
    const proven = verifyLock({ lock: changed, pack: Buffer.from(pack), trust, nowMs });
    expect(Buffer.from(canonicalBytes(proven.lock)).toString()).toBe(meaning);
  } catch (caught) {
    refused = caught;
  }
  if (refused !== undefined && !(refused instanceof TrustError)) throw refused;
}

const at = fc.nat(1_000_000);
const bytesChange = fc.oneof(
  fc.tuple(fc.constant('flip' as const), at, fc.nat(7)),
  fc.tuple(fc.constant('drop' as const), at, fc.integer({ min: 1, max: 40 })),
  fc.tuple(fc.constant('double' as const), at, fc.integer({ min: 1, max: 40 })),
  fc.tuple(fc.constant('swap' as const), at, at),
);

function changeBytes(bytes: Uint8Array, [kind, first, second]: [string, number, number]): Uint8Array {
  const from = first % bytes.length;
  const copy = Buffer.from(bytes);
  switch (kind) {
    case 'flip':
      copy[from] = (copy[from] ?? 0) ^ (1 << second);
      return copy;
    case 'drop':
      return Buffer.concat([copy.subarray(0, from), copy.subarray(from + second)]);
    case 'double':
      return Buffer.concat([copy.subarray(0, from + second), copy.subarray(from)]);
    default: {
      const other = second % bytes.length;
      [copy[from], copy[other]] = [copy[other] ?? 0, copy[from] ?? 0];
      return copy;
    }
  }
}

/** The lock with its certificates' DER changed: what a library reads late it must not throw past us. */
function changeCertificates(changes: readonly [string, number, number][]): Uint8Array {
  const file = JSON.parse(String(lock)) as LockFile;
  file.signatures.certificates = file.signatures.certificates.map((text) => {
    const der = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const changed = Buffer.from(changes.reduce<Uint8Array>(changeBytes, der)).toString('base64');
    return `-----BEGIN CERTIFICATE-----\n${changed}\n-----END CERTIFICATE-----\n`;
  });
  return Buffer.from(JSON.stringify(file));
}

/** Every node of a JSON value, by the container that holds it. */
function places(value: unknown): { readonly holder: Record<string, unknown>; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...places(holder[key])]);
}

function changeNodes(bytes: Uint8Array, kind: string, first: number, second: number): Uint8Array {
  const file = JSON.parse(Buffer.from(bytes).toString()) as unknown;
  const all = places(file);
  const [one, other] = [all[first % all.length], all[second % all.length]];
  if (!one || !other) return bytes;
  const [a, b] = [structuredClone(one.holder[one.key]), structuredClone(other.holder[other.key])];
  if (kind === 'drop') {
    if (Array.isArray(one.holder)) one.holder.splice(Number(one.key), 1);
    else delete one.holder[one.key];
  } else if (kind === 'double') {
    if (Array.isArray(one.holder)) one.holder.push(a);
    else one.holder[`${one.key}2`] = a;
  } else if (kind === 'copy') other.holder[other.key] = a;
  else [one.holder[one.key], other.holder[other.key]] = [b, a];
  return Buffer.from(JSON.stringify(file));
}

describe('a real lock, changed at random', () => {
  it('is accepted as it is', () => assertSound(lock));

  it('is never falsely accepted and never crashes us: bytes flipped, dropped, doubled, swapped', () => {
    const property = fc.property(fc.array(bytesChange, { minLength: 1, maxLength: 3 }), (changes) =>
      assertSound(changes.reduce(changeBytes, lock)),
    );
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });

  it('is never falsely accepted and never crashes us: bytes inside its certificates changed', () => {
    const property = fc.property(fc.array(bytesChange, { minLength: 1, maxLength: 2 }), (changes) =>
      assertSound(changeCertificates(changes)),
    );
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });

  it('is never falsely accepted and never crashes us: JSON nodes dropped, doubled, copied over each other, swapped', () => {
    const property = fc.property(fc.constantFrom('drop', 'double', 'copy', 'swap'), at, at, (kind, first, second) =>
      assertSound(changeNodes(lock, kind, first, second)),
    );
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});
