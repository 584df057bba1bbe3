import { randomBytes } from 'node:crypto';
import { type BudgetOrder, roleIdentity, signBudgetOrder } from '@smartlite/trust';
import { domainFiles, readKey } from '../domain/files.ts';
import { fleetTrust } from '../mode/verifier.ts';
import type { Place } from '../up/place.ts';

/** An order is carried out at once or not at all; this covers a slow bus and clocks that differ a little. */
const ORDER_LIFE_MS = 5 * 60_000;

/** An order that this limit be in force, signed with this machine's operator key: for this fleet, now, and once. */
export async function signedLimit(place: Place, limit: BudgetOrder['limit']): Promise<Uint8Array> {
  const { fleet, generation } = await fleetTrust(place);
  const { key, chain } = await readKey(domainFiles(place).operator);
  const notAfterUnixMs = Date.now() + ORDER_LIFE_MS;
  const order = { fleet, generation, limit, notAfterUnixMs, nonce: randomBytes(16).toString('hex') };
  return signBudgetOrder(order, roleIdentity('operator', key, chain.join('\n')));
}
