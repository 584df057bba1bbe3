import { Problem } from '../problem.ts';
import { type Check, fault, ok } from './check.ts';

/** What an acknowledged message survives: the death of the server's process, or a power cut, too. */
export type Durability = 'process' | 'disk';

/** Older servers know no `sync_interval: always`, and refuse to start with it or pass over it. */
const SYNCS_SINCE = [2, 10] as const;

/**
 * No server tells its clients how it syncs, so it is `process` unless SMARTLITE_NATS_DURABILITY says that the cluster's operator has
 * set `sync_interval: always` on every node. The server that `npm start` runs is `process`.
 */
export function statedDurability(stated: string | undefined): Durability {
  if (stated === undefined || stated === '' || stated === 'process') return 'process';
  if (stated === 'disk') return 'disk';
  throw new Problem(`SMARTLITE_NATS_DURABILITY is ${stated}.`, 'Set it to "process" or "disk", or leave it out.', {
    exitCode: 2,
  });
}

/** Holds what is stated against what that version can do. */
export function checkDurability(version: string, stated: string | undefined): Check {
  const durability = statedDurability(stated);
  if (durability === 'process')
    return ok('durability', 'process: acknowledged survives a killed process, not a power cut of all replicas');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < SYNCS_SINCE[0] || (major === SYNCS_SINCE[0] && minor < SYNCS_SINCE[1]))
    return fault(
      'durability',
      `disk is stated, but nats-server ${version} cannot sync each message`,
      `Use ${SYNCS_SINCE.join('.')} or newer with "sync_interval: always", or unset SMARTLITE_NATS_DURABILITY.`,
    );
  return ok('durability', 'disk, as SMARTLITE_NATS_DURABILITY states: acknowledged survives a power cut');
}
