import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Address, holderOf, isFree } from '../up/ports.ts';
import type { Place } from '../up/place.ts';
import { type Check, fault, ok, warning } from './check.ts';

const OLDEST_NODE = [24, 12] as const;
/** Logs, the bus' store and the trail grow; below the first nothing should be started, below the second soon. */
const FREE_BYTES_MIN = 200e6;
const FREE_BYTES_LOW = 1e9;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return ok('node', version);
  return fault(
    'node',
    `${version}, needed ${OLDEST_NODE.join('.')}`,
    'Run npm start, which installs the pinned one, or install Node.js 24.',
  );
}

export async function checkDisk(place: Place): Promise<Check> {
  // Before the first start there is no state yet: it will lie beside what is there.
  const { bavail, bsize } = await statfs(place.state).catch(() => statfs(place.root));
  const free = bavail * bsize;
  const found = `${(free / 1e9).toFixed(1)} GB free`;
  if (free < FREE_BYTES_MIN)
    return fault('disk', found, 'Free some space: JetStream and the audit trail stop when the disk is full.');
  return free < FREE_BYTES_LOW
    ? warning('disk', found, 'Free some space soon; .smartlite/log and .smartlite/cache may be deleted.')
    : ok('disk', found);
}

/** A port that the next start will want must be free. */
export async function checkPort(what: string, address: Address, setting: string): Promise<Check> {
  const name = `port ${address.port}`;
  if (await isFree(address)) return ok(name, `free for ${what}`);
  const holder = holderOf(address.port);
  return fault(
    name,
    `wanted for ${what}, taken by ${holder ? `${holder.command} (process ${holder.pid})` : 'another process'}`,
    `End it, or choose another port with ${setting}.`,
  );
}

/** Private keys and credentials must be readable by their owner alone. */
export async function checkPrivacy(place: Place): Promise<Check> {
  const open: string[] = [];
  for (const path of [place.state, place.keys, place.apiKey, join(place.nats, 'nats-server.conf')]) {
    const found = await stat(path).catch(() => undefined);
    if (found && (found.mode & 0o077) !== 0) open.push(path);
  }
  if (open.length === 0) return ok('privacy', 'keys and credentials are their owner’s alone');
  return fault('privacy', `others may read ${open.join(', ')}`, `Run: chmod -R go-rwx ${open.join(' ')}`);
}

/** No time server is asked; a clock that runs before what has already been signed is certainly wrong. */
export function checkClock(nowUnixMs: number, signedUnixMs: number | undefined): Check {
  const now = new Date(nowUnixMs).toISOString();
  if (signedUnixMs === undefined || nowUnixMs >= signedUnixMs) return ok('clock', now);
  return fault(
    'clock',
    `${now}, before the lock was signed (${new Date(signedUnixMs).toISOString()})`,
    'Set the clock: certificates and locks are judged by it.',
  );
}
