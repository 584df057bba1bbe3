import { readFile } from 'node:fs/promises';
import { type Mode, STREAMS } from '@smartlite/contracts';
import { openStatus, parseTrust, roleTrust } from '@smartlite/trust';
import type { NatsConnection } from 'nats';
import type { Place } from '../../up/place.ts';

/** What the last authentic lock status says. */
export interface LockFact {
  readonly mode: Mode;
  readonly epoch: number;
  readonly revision: number;
  readonly lockSequence: number | null;
  readonly reasons: readonly string[];
}

/** The retained lock status, its signature checked; undefined when there is none, or none that this trust domain has signed. */
export async function readLockFact(bus: NatsConnection, subject: string, place: Place): Promise<LockFact | undefined> {
  const manager = await bus.jetstreamManager();
  const message = await manager.streams.getMessage(STREAMS.lock, { last_by_subj: subject }).catch(() => undefined);
  const trust = await readFile(place.trust).catch(() => undefined);
  if (message === undefined || trust === undefined) return undefined;
  try {
    const { status } = openStatus(message.data, roleTrust(parseTrust(trust)), Date.now());
    return status;
  } catch {
    return undefined; // Not ours, or no longer valid: as good as none.
  }
}
