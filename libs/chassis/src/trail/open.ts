import { join } from 'node:path';
import type { ServiceName } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import type { Clock, Ids } from '../clock.ts';
import type { Log } from '../platform.ts';
import { claimLeftovers, markOwner } from './leftover.ts';
import { openSpool } from './spool.ts';
import { type RunningTrail, startTrail } from './trail.ts';

export type { RunningTrail } from './trail.ts';

/** The stream answers within a millisecond; a longer silence means that the entry may not be stored. */
const STORE_TIMEOUT_MS = 2_000;

export interface OpenTrailParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** SMARTLITE_HOME: spools lie in `spool/<instance>` below it. */
  readonly home: string;
  readonly nats: NatsConnection;
}

/** Opens this instance's spool, takes over those of processes that are gone, and begins to deliver. */
export function openTrail({ home, nats, ...parts }: OpenTrailParts): RunningTrail {
  const spools = join(home, 'spool', parts.service);
  const folder = join(spools, parts.instance);
  const leftovers = claimLeftovers(spools, { pid: process.pid, isAlive });
  const spool = openSpool(folder);
  markOwner(folder, process.pid);
  const jetstream = nats.jetstream({ timeout: STORE_TIMEOUT_MS });
  return startTrail({
    ...parts,
    spool,
    leftovers,
    store: async (subject, id, data) => {
      await jetstream.publish(subject, data, { msgID: id });
    },
  });
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks.
    return pid > 0 && process.kill(pid, 0);
  } catch (caught) {
    return caught instanceof Error && 'code' in caught && caught.code === 'EPERM';
  }
}
