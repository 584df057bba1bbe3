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

/** Set to 1, every attack is tried on the command itself; a minute or two of process starts. */
const EVERY = process.env['SMARTLITE_ATTACK_PROCESSES'] === '1';
const codes = new Set<string>();
const firstOfCode = new Set(
  Object.values(ATTACKS)
    .flat()
    .filter(({ code }) => !codes.has(code) && codes.add(code)),
);

/** Attacks that are tried on the command as a process: at least one for each code. */
export function asProcess(attack: Attack): boolean {
  return EVERY || firstOfCode.has(attack);
}

/** The others: what the command does, without starting it. */
export function inProcess(attack: Attack): boolean {
  return !asProcess(attack);
}
