import type { RoleTrust } from './envelope.ts';
import { TrustError } from '../finding.ts';

/** Refuses a message of another fleet, or of another generation of this fleet's trust document. */
export function requireFleet(
  message: { readonly fleet: string; readonly generation: number },
  trust: RoleTrust,
  what: string,
): void {
  if (message.fleet !== trust.fleet)
    throw new TrustError('FLEET_MISMATCH', `the ${what} is of fleet ${message.fleet}, not of ${trust.fleet}`);
  if (message.generation !== trust.generation) {
    throw new TrustError('GENERATION_MISMATCH', `the ${what} is of generation ${message.generation}, not of ${trust.generation}`);
  }
}
