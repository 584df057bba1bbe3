import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ServiceName } from '@smartlite/contracts';
import { type AnswerReceipt, encodeAnswerReceipt, RECEIPT_DUE_MS, type RoleIdentity, signBootKey } from '@smartlite/trust';
import type { Clock } from '../clock.ts';

/** The key of one life of this process: never on a disk, gone with it, certified by the instance's identity. */
export interface BootSigner {
  readonly privateKey: KeyObject;
  /** The signed statement of whose key it is. */
  readonly certificate: Uint8Array;
  receipt(
    statement: Pick<AnswerReceipt, 'request' | 'output' | 'stages' | 'entry' | 'traceId' | 'atUnixMs'>,
    certificate: Uint8Array | undefined,
  ): { readonly text: string; readonly digest: string };
}

export interface BootSignerParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly boot: string;
  readonly of: { readonly fleet: string; readonly generation: number };
  readonly identity: RoleIdentity;
  readonly clock: Clock;
}

export function bootSigner({ service, instance, boot, of: { fleet, generation }, identity, clock }: BootSignerParts): BootSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const own = { fleet, generation, service, instance, boot };
  return {
    privateKey,
    certificate: signBootKey({ ...own, atUnixMs: clock.nowMs(), publicKey }, identity),
    receipt(statement, certificate) {
      const receipt = { ...own, ...statement, dueUnixMs: statement.atUnixMs + RECEIPT_DUE_MS };
      return encodeAnswerReceipt(receipt, privateKey, certificate);
    },
  };
}
