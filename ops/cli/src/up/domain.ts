import type { ServiceName } from '@smartlite/contracts';

export type IdentityRole = 'lock-status' | 'instance' | 'audit-checkpoint';

/** Whom a role certificate names. */
export interface IdentityRequest {
  readonly role: IdentityRole;
  readonly instance: string;
}

/** The trust domain whose intermediate certifies this machine's processes. */
export interface Domain {
  /**
   * Writes `key.pem` and `certificate.pem` (leaf, then intermediate) into the folder; an existing key keeps its place and gets a new
   * certificate. Gives the time at which the certificate ends.
   */
  certify(folder: string, request: IdentityRequest): Promise<{ readonly endsUnixMs: number }>;
}

/** A verifier speaks for the lock, every other service for itself alone. */
export function roleOf(service: ServiceName): IdentityRole {
  return service === 'verifier' ? 'lock-status' : 'instance';
}
