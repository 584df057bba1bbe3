import type { KeyObject } from 'node:crypto';
import { openBootKey, type RoleTrust, TrustError, verifyTrailEntry } from '@smartlite/trust';
import type { Line } from './engine.ts';
import { digestOf } from './entry.ts';

/** Keys that are remembered: those of a fleet of a thousand instances, some restarts each. Others are read from the log again. */
const KEYS_MAX = 4_096;
/** Whose entries may be without a signature: those of commands that are given without the operator's key. */
const UNSIGNED_PRODUCER = 'cli';
/** The entry with the key of this boot has not come yet. */
export const KEY_UNKNOWN = 'the key of its boot is not in the log';

export interface ProducerParts {
  readonly trust: RoleTrust;
  /** The certificate in the log of that boot's key. */
  readonly certificateOf: (producer: string, boot: string) => string | undefined;
}

/**
 * Proves that entries were written by the producers that they name: with the key of the producer's boot, which its first entry certifies
 * by the instance's own identity. So nobody else on the bus writes in an instance's name, whatever its credentials.
 */
export class Producers {
  readonly #parts: ProducerParts;
  readonly #keys = new Map<string, KeyObject>();

  constructor(parts: ProducerParts) {
    this.#parts = parts;
  }

  /** Those that are proven, the last of each chain first: a signature over the digest of the entry before it speaks for that one, too. */
  prove(lines: readonly Line[]): ReadonlySet<Line> {
    const proven = new Set<Line>();
    const fresh = new Map(lines.filter(isCertificate).map((line) => [bootOf(line), line]));
    for (const ofBoot of Map.groupBy(lines, bootOf).values()) {
      let next: Line | undefined;
      for (const line of ofBoot.toSorted((a, b) => b.entry.counter - a.entry.counter)) {
        const vouched = next?.entry.counter === line.entry.counter + 1 && next.entry.previous === digestOf(line.bytes);
        if (!vouched && this.#refusal(line, fresh.get(bootOf(line))) !== undefined) continue;
        // A chain says who wrote the certificate's entry, not that the certificate holds.
        if (isCertificate(line) && this.#refusal(line, line) !== undefined) continue;
        proven.add(line);
        next = line;
      }
    }
    return proven;
  }

  /** Why an entry is not its producer's, if so. */
  refusal(line: Line): string | undefined {
    return this.#refusal(line, undefined);
  }

  /** Told of what is appended: keys count from then on. */
  logged(line: Line): void {
    if (!isCertificate(line)) return;
    if (this.#keys.size >= KEYS_MAX) this.#keys.clear();
    this.#keys.set(bootOf(line), this.#keyIn(line.entry, certificateIn(line)));
  }

  #refusal(line: Line, certified: Line | undefined): string | undefined {
    const { entry, bytes } = line;
    if (isUnsigned(entry)) return this.#unsignedRefusal(line, certified);
    try {
      const key = this.#keyOf(line, certified);
      if (!key) return KEY_UNKNOWN;
      verifyTrailEntry(bytes, key);
      return undefined;
    } catch (caught) {
      if (caught instanceof TrustError) return caught.message;
      throw caught;
    }
  }

  /** Commands of people without an operator's key; the subject is the command line's alone. They speak for no boot that has a key. */
  #unsignedRefusal(line: Line, certified: Line | undefined): string | undefined {
    const { producer, boot } = line.entry;
    if (producer !== UNSIGNED_PRODUCER) return `what nobody has signed speaks for ${UNSIGNED_PRODUCER} alone`;
    if (isCertificate(line)) return 'a key is certified under its own signature';
    const known = certified ?? this.#keys.get(bootOf(line)) ?? this.#parts.certificateOf(producer, boot);
    return known === undefined ? undefined : 'it is not signed, and its boot has a key';
  }

  #keyOf(line: Line, certified: Line | undefined): KeyObject | undefined {
    const { entry } = line;
    if (isCertificate(line)) return this.#keyIn(entry, certificateIn(line));
    const known = this.#keys.get(bootOf(line));
    if (known) return known;
    const certificate = this.#parts.certificateOf(entry.producer, entry.boot);
    if (certificate === undefined) return certified && this.#keyIn(entry, certificateIn(certified));
    const key = this.#keyIn(entry, certificate);
    if (this.#keys.size >= KEYS_MAX) this.#keys.clear();
    this.#keys.set(bootOf(line), key);
    return key;
  }

  /** The certified key, if it is this producer's, of this boot and service. */
  #keyIn({ producer, boot, service }: Line['entry'], certificate: string): KeyObject {
    const { statement, publicKey } = openBootKey(Buffer.from(certificate), this.#parts.trust);
    if (statement.instance !== producer || statement.boot !== boot || statement.service !== service)
      throw new TrustError('KEY_WRONG_ROLE', `its key is of ${statement.service} ${statement.instance}, boot ${statement.boot}`);
    return publicKey;
  }
}

function isUnsigned({ service, signature }: Line['entry']): boolean {
  return service === 'cli' && signature === undefined;
}

/** The first entry of a boot, which holds its key. */
export function isCertificate({ entry: { kind, counter } }: Line): boolean {
  return kind === 'key.certified' && counter === 1;
}

function certificateIn({ entry: { facts } }: Line): string {
  return String(facts['certificate'] ?? '');
}

function bootOf({ entry: { producer, boot } }: Line): string {
  return `${producer}.${boot}`;
}
