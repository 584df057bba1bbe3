import { createHash, generateKeyPairSync } from 'node:crypto';
import { systemClock } from '@smartlite/chassis/parts';
import type { AuditEntry } from '@smartlite/contracts';
import { type RoleIdentity, signBootKey, signTrailEntry } from '@smartlite/trust';

export interface ProducerOptions {
  readonly identity: RoleIdentity;
  readonly fleet: string;
  readonly name?: string;
  readonly boot?: string;
  readonly service?: AuditEntry['service'];
}

/** The entries of one boot of one producer, signed and chained as a spool has them: the first certifies the boot's key. */
export function signedProducer({ identity, fleet, name = 'llm-1', boot = 'b0', service = 'llm' }: ProducerOptions) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const statement = { fleet, generation: 1, service, instance: name, boot, atUnixMs: systemClock.nowMs(), publicKey };
  const certificate = Buffer.from(signBootKey(statement, identity)).toString('utf8');
  const lines: string[] = [];
  const make = (counter: number, more: Partial<AuditEntry>) => {
    const entry: AuditEntry = {
      id: `${name}.${boot}.${counter}`,
      producer: name,
      boot,
      service,
      counter,
      atUnixMs: 1_700_000_000_000 + counter,
      kind: 'call.served',
      actor: 'alice',
      traceId: 'a'.repeat(32),
      salt: sha256(`${counter}`).slice(0, 32),
      previous: counter === 1 ? null : sha256(line(counter - 1)),
      facts: { number: counter },
      ...(counter === 1 && { kind: 'key.certified' as const, facts: { certificate } }),
      ...more,
    };
    return signTrailEntry(JSON.stringify(entry), privateKey);
  };
  /** The entry of that counter; made once, as `more` has it then. */
  const line = (counter: number, more: Partial<AuditEntry> = {}): string => (lines[counter] ??= make(counter, more));
  return {
    line,
    bytes: (counter: number, more?: Partial<AuditEntry>) => Buffer.from(line(counter, more)),
    /** Signed as well, but another than the one that is kept. */
    other: (counter: number, more: Partial<AuditEntry>) => make(counter, more),
    privateKey,
    id: (counter: number) => `${name}.${boot}.${counter}`,
  };
}
export type SignedProducer = ReturnType<typeof signedProducer>;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
