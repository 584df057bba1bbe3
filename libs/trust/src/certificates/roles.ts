import type { KeyKind } from '../spki.ts';

/** What a key may do. One role a certificate, written as a URI in the subject alternative name, as SPIFFE does. */
export const ROLES = ['model-signing', 'lock-status', 'instance', 'operator', 'audit-checkpoint'] as const;
export type Role = (typeof ROLES)[number];

/** What each role's keys are. */
export const KIND_OF: Readonly<Record<Role, KeyKind>> = {
  'model-signing': 'secp256k1',
  'lock-status': 'ed25519',
  instance: 'ed25519',
  operator: 'ed25519',
  'audit-checkpoint': 'ed25519',
};

/** A role as the URI of a subject alternative name. Pure. */
export function roleUri({
  role,
  fleet,
  subject,
}: {
  readonly role: Role;
  readonly fleet: string;
  readonly subject: string;
}): string {
  return `smartlite://${encodeURIComponent(fleet)}/${role}/${encodeURIComponent(subject)}`;
}

/** The inverse of `roleUri`; undefined for any other text. Throws URIError for escapes that are none. Pure. */
export function roleOfUri(uri: string): { readonly role: Role; readonly fleet: string; readonly subject: string } | undefined {
  const match = /^smartlite:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri);
  const role = ROLES.find((each) => each === match?.[2]);
  if (match === null || role === undefined) return undefined;
  return { role, fleet: decodeURIComponent(match[1] ?? ''), subject: decodeURIComponent(match[3] ?? '') };
}
