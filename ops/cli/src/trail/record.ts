import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import type { Place } from '../up/place.ts';
import { handOver } from './stores/handover.ts';

export type Recorded = Pick<AuditEntry, 'kind' | 'facts'>;

/** One command is one boot of the producer `cli`. */
const BOOT = randomBytes(8).toString('hex');
let counter = 0;
/** The verification log is about verifications, signatures and keys; the rest stands in the trail alone. */
const SHOWN = /^(verification|signature|key)\./;

/**
 * Writes what a command did to the verification log at once, one JSON object a line, and hands it to the mesh's trail: now where NATS is
 * there, else with a later command. A log that cannot be written is said and does not change the answer.
 */
export async function record(place: Place, recorded: readonly Recorded[]): Promise<void> {
  const entries = recorded.map(entryOf);
  try {
    const shown = entries.filter(({ kind }) => SHOWN.test(kind));
    if (shown.length > 0) await append(place.auditLog, shown);
    await append(spoolOf(place), entries);
  } catch (caught) {
    console.error(`Not written to the audit log ${place.auditLog}: ${(caught as Error).message}`);
    return;
  }
  await handOver(place, spoolOf(place));
}

function entryOf({ kind, facts }: Recorded): AuditEntry {
  counter += 1;
  return {
    id: `cli.${BOOT}.${counter}`,
    producer: 'cli',
    service: 'cli',
    boot: BOOT,
    counter,
    atUnixMs: Date.now(),
    kind,
    actor: userName(),
    traceId: null,
    salt: randomBytes(16).toString('hex'),
    facts,
  };
}

/** A user without a name in the system's list has a number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** O_APPEND, all lines in one write: other writers' lines are not torn. */
async function append(path: string, entries: readonly AuditEntry[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const lines = entries.map((entry) => `${JSON.stringify({ at: new Date(entry.atUnixMs).toISOString(), ...entry })}\n`);
  await writeFile(path, lines.join(''), { flag: 'a', mode: 0o640 });
}

/** Entries that the mesh has not taken yet. */
function spoolOf({ state }: Place): string {
  return `${state}/cli-trail.ndjson`;
}
