import type { RoleKey } from './envelope.ts';
import { TrustError } from '../finding.ts';

/** Roles that may speak for an instance; a verifier's own guard signs with its status key. */
export const SPEAKERS = ['instance', 'lock-status'] as const;

/** Refuses a message that speaks in another's name than its certificate's: an instance's key is no key to the others' mouths. */
export function requireSpeaker(instance: string, { subject }: RoleKey, what: string): void {
  if (instance !== subject)
    throw new TrustError('SIGNATURE_INVALID', `the ${what} is in the name of ${instance}, and signed by ${subject}`);
}
