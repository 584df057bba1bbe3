import { join } from 'node:path';
import { type ServiceName, SUBJECTS } from '@smartlite/contracts';
import { openReceipt, type RoleIdentity, roleTrust, type TrustDocument } from '@smartlite/trust';
import type { NatsConnection } from 'nats';
import type { Clock, Ids } from '../clock.ts';
import type { Log, Metrics } from '../platform.ts';
import { bootSigner } from './bootsigner.ts';
import { claimLeftovers, markOwner } from './leftover.ts';
import { LogMemory, seenFile } from './logmemory.ts';
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
  readonly metrics: Metrics;
  /** SMARTLITE_HOME: spools lie in `spool/<instance>` below it. */
  readonly home: string;
  readonly nats: NatsConnection;
  /** Certifies the key that this boot signs with. */
  readonly identity: RoleIdentity;
  /** Whose receipts count. */
  readonly trust: TrustDocument;
  /** How long entries may lack a receipt before serving is refused; 0: for ever. */
  readonly graceMs: number;
}

/** Opens this instance's spool, takes over those of processes that are gone, and begins to deliver. */
export function openTrail({ home, nats, trust, identity, ...parts }: OpenTrailParts): RunningTrail {
  const spools = join(home, 'spool', parts.service);
  const folder = join(spools, parts.instance);
  const leftovers = claimLeftovers(spools, { pid: process.pid, isAlive });
  const spool = openSpool(folder);
  markOwner(folder, process.pid);
  const jetstream = nats.jetstream({ timeout: STORE_TIMEOUT_MS });
  const roles = roleTrust(trust);
  const before = leftovers.findLast(({ instance }) => instance === parts.instance)?.head;
  return startTrail({
    ...parts,
    spool,
    bootSigner: (boot) => bootSigner({ ...parts, boot, of: trust, identity }),
    leftovers,
    memory: new LogMemory(seenFile(join(home, 'spool', `${parts.service}.seen.json`)), parts.clock),
    onContradiction: ({ code }) =>
      parts.metrics
        .counter('trail_contradictions_total', 'Receipts of the audit log that contradict earlier ones', ['code'])
        .inc({ code }),
    ...(before && { before }),
    store: async (subject, msgID, data) => {
      await jetstream.publish(subject, data, { msgID });
    },
    listen(producer, onReceipt) {
      const receipts = nats.subscribe(SUBJECTS.auditReceipt(producer), {
        callback: (error, message) => void (error ?? onReceipt(message.data)),
      });
      return () => receipts.unsubscribe();
    },
    open: (bytes) => openReceipt(bytes, roles, parts.clock.nowMs()),
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
