import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { roleIdentity, signBootKey } from '@smartlite/trust';
import { domainFiles, readKey, readTrust } from '../domain/files.ts';
import type { Place } from '../up/place.ts';

/** The key of one command: never on a disk, gone with it, certified by this machine's operator. */
export interface CommandSigner {
  readonly privateKey: KeyObject;
  /** The operator's signed statement of whose key it is. */
  readonly certificate: string;
}

export interface CommandBoot {
  readonly producer: string;
  readonly boot: string;
  readonly nowMs: number;
}

/**
 * undefined where this user has no operator's key, or no domain yet: such commands sign nothing, and the trail shows that. Throws for a
 * trust document or a key that cannot be used.
 */
export async function commandSigner(place: Place, { producer, boot, nowMs }: CommandBoot): Promise<CommandSigner | undefined> {
  const trust = await readTrust(place.trust);
  if (trust === undefined) return undefined;
  const operator = await readKey(domainFiles(place).operator).catch(() => undefined);
  if (operator === undefined) return undefined;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { fleet, generation } = trust;
  const statement = { fleet, generation, service: 'cli', instance: producer, boot, atUnixMs: nowMs, publicKey };
  const identity = roleIdentity('operator', operator.key, operator.chain.join('\n'));
  return { privateKey, certificate: Buffer.from(signBootKey(statement, identity)).toString('utf8') };
}
