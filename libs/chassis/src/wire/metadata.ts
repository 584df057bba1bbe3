import { Metadata } from '@grpc/grpc-js';
import type { Caller } from '../caller.ts';

/** Names of the mesh's own metadata. Values are percent-encoded: metadata is ASCII, names of users need not be. */
const KEYS = {
  user: 'x-smartlite-user',
  tenant: 'x-smartlite-tenant',
  regions: 'x-smartlite-regions',
  operator: 'x-smartlite-operator',
  requestId: 'x-smartlite-request-id',
  idempotencyKey: 'x-smartlite-idempotency-key',
} as const;

/** A caller that did not say who it is, for example a health probe. May do nothing that asks for a user. */
export const NOBODY: Caller = { user: '', tenant: '', regions: [], operator: false };

export interface Passport {
  readonly caller: Caller;
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
}

/** Writes on whose behalf a call runs. */
export function writePassport({ caller, requestId, idempotencyKey }: Passport): Metadata {
  const metadata = new Metadata();
  const set = (key: string, value: string) => {
    if (value) metadata.set(key, encodeURIComponent(value));
  };
  set(KEYS.user, caller.user);
  set(KEYS.tenant, caller.tenant);
  set(KEYS.regions, caller.regions.join(','));
  set(KEYS.operator, caller.operator ? '1' : '');
  set(KEYS.requestId, requestId);
  set(KEYS.idempotencyKey, idempotencyKey ?? '');
  return metadata;
}

/** Reads it; what is missing is empty. */
export function readPassport(metadata: Metadata): Passport {
  const get = (key: string): string => decode(metadata.get(key)[0]?.toString() ?? '');
  const regions = get(KEYS.regions).split(',').filter(Boolean);
  return {
    caller: { user: get(KEYS.user), tenant: get(KEYS.tenant), regions, operator: get(KEYS.operator) === '1' },
    requestId: get(KEYS.requestId),
    idempotencyKey: get(KEYS.idempotencyKey) || undefined,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not ours; what cannot be read names nobody.
    return '';
  }
}
