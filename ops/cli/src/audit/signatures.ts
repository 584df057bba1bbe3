import { createHash, type KeyObject } from 'node:crypto';
import { openBootKey, type RoleTrust, TrustError, verifyTrailEntry } from '@smartlite/trust';
import { z } from 'zod';

/** The log's own entries are signed by its checkpoints. */
const LOG_PRODUCER = 'audit-log';
/** Commands of people without an operator's key sign nothing: the service and the producer of what may be unsigned. */
const UNSIGNED = 'cli';

const entrySchema = z.looseObject({
  producer: z.string(),
  boot: z.string(),
  service: z.string(),
  counter: z.int().positive(),
  kind: z.string(),
  previous: z.string().nullish(),
  signature: z.string().optional(),
  facts: z.looseObject({ certificate: z.string().optional() }),
});
type Entry = z.infer<typeof entrySchema>;

export interface SignatureFinding {
  readonly code: 'ENTRY_FORGED';
  readonly where: string;
  readonly message: string;
}

interface Head {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly index: number;
}

/**
 * Proves that each entry was written by the producer that it names: with the key that the first entry of its boot certifies, by the
 * fleet's trust document. An entry whose digest the next one of its boot carries is vouched for by that one's signature, so a whole boot
 * costs one signature check.
 */
export class ProducerSignatures {
  readonly #trust: RoleTrust;
  readonly #keys = new Map<string, KeyObject>();
  readonly #heads = new Map<string, Head>();
  readonly #findings: SignatureFinding[] = [];

  constructor(trust: RoleTrust) {
    this.#trust = trust;
  }

  /** Entries in the log's order. What is no entry is another's finding. */
  read(bytes: Uint8Array, index: number): void {
    const entry = parse(bytes);
    if (!entry || entry.producer === LOG_PRODUCER) return;
    const boot = `${entry.producer}.${entry.boot}`;
    const mayBeUnsigned = entry.service === UNSIGNED && entry.producer === UNSIGNED && !this.#keys.has(boot);
    if (mayBeUnsigned && entry.signature === undefined) return;
    if (entry.kind === 'key.certified' && entry.counter === 1) this.#certify(boot, entry, index);
    const head = this.#heads.get(boot);
    if (head && head.digest !== entry.previous) this.#prove(boot, head);
    this.#heads.set(boot, { bytes, index, digest: createHash('sha256').update(bytes).digest('hex') });
  }

  /** Everything that was found, once all entries were read. */
  finish(): readonly SignatureFinding[] {
    for (const [boot, head] of this.#heads) this.#prove(boot, head);
    this.#heads.clear();
    return this.#findings;
  }

  #certify(boot: string, { producer, boot: own, service, facts }: Entry, index: number): void {
    this.#trying(index, () => {
      const { statement, publicKey } = openBootKey(Buffer.from(facts.certificate ?? ''), this.#trust);
      if (statement.instance !== producer || statement.boot !== own || statement.service !== service)
        throw new TrustError(
          'KEY_WRONG_ROLE',
          `its key is of ${statement.service} ${statement.instance}, boot ${statement.boot}`,
        );
      if (!this.#keys.has(boot)) this.#keys.set(boot, publicKey);
    });
  }

  #prove(boot: string, { bytes, index }: Head): void {
    this.#trying(index, () => {
      const key = this.#keys.get(boot);
      if (!key) throw new TrustError('SIGNATURE_MISSING', `the key of ${boot} is not in the log before it`);
      verifyTrailEntry(bytes, key);
    });
  }

  #trying(index: number, work: () => void): void {
    try {
      work();
    } catch (caught) {
      if (!(caught instanceof TrustError)) throw caught;
      const message = `entry ${index} was not written by the producer that it names: ${caught.message}`;
      this.#findings.push({ code: 'ENTRY_FORGED', where: `entry ${index}`, message });
    }
  }
}

function parse(bytes: Uint8Array): Entry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
