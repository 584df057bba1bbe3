import type { Attack } from './attack.ts';
import { BYTES } from './bytes.ts';
import { FILES } from './files.ts';
import { KEYS } from './keys.ts';
import { LOCK } from './lock.ts';
import { ORDER } from './order.ts';

/** Every attack on lock, pack, keys and artifacts, by what it is on. Those on a running fleet are tested with the mesh. */
export const ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  Bytes: BYTES,
  Files: FILES,
  Lock: LOCK,
  'Signatures and keys': KEYS,
  Order: ORDER,
};
