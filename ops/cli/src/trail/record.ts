import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import { sha256Hex, signTrailEntry } from '@smartlite/trust';
import type { Place } from '../up/place.ts';
import { type CommandSigner, commandSigner } from './signer.ts';
import { handOver, spool } from './stores/handover.ts';

export type Recorded = Pick<AuditEntry, 'kind' | 'facts'>;

/** One command is one boot of the producer `cli`. */
const PRODUCER = 'cli';
const BOOT = randomBytes(8).toString('hex');
/** The verification log is about verifications, signatures and keys; the rest stands in the trail alone. */
const SHOWN = /^(verification|signature|key)\./;
const CERTIFIED = 'key.certified';

let counter = 0;
/** Digest of this command's last entry: each one vouches for the one before it. */
let previous: string | null = null;
let signer: CommandSigner | undefined;

interface Written {
  readonly entry: AuditEntry;
  /** The very bytes that are signed and handed over. */
  readonly line: string;
}

/**
 * Writes what a command did to the verification log at once, one JSON object a line, and hands it to the mesh's trail, signed by this machine's
 * operator: now where NATS is there, else with a later command. A log that cannot be written is said and does not change the answer.
 */
export async function record(place: Place, recorded: readonly Recorded[]): Promise<void> {
  try {
    const written = [...(await certified(place)), ...recorded.map(write)];
    const shown = written.filter(({ entry }) => SHOWN.test(entry.kind) && entry.kind !== CERTIFIED);
    if (shown.length > 0) await append(place.auditLog, shown.map(viewOf));
    await spool(
      spoolOf(place),
      nameNow(),
      written.map(({ line }) => line),
    );
  } catch (caught) {
    console.error(`Not written to the audit log ${place.auditLog}: ${(caught as Error).message}`);
    return;
  }
  // What is not taken now is taken by a later command.
  await handOver(place, spoolOf(place)).catch(() => undefined);
}

/** Whoever reads the log can judge this command's signatures by its first entry. */
async function certified(place: Place): Promise<readonly Written[]> {
  if (counter > 0) return [];
  // A trust document that somebody has broken must not keep a command out of the log.
  signer = await commandSigner(place, { producer: PRODUCER, boot: BOOT, nowMs: Date.now() }).catch((caught: unknown) => {
    console.error(`This command's entries of the audit log are not signed: ${(caught as Error).message}`);
    return undefined;
  });
  return signer ? [write({ kind: CERTIFIED, facts: { certificate: signer.certificate } })] : [];
}

function write({ kind, facts }: Recorded): Written {
  counter += 1;
  const entry: AuditEntry = {
    id: `${PRODUCER}.${BOOT}.${counter}`,
    producer: PRODUCER,
    service: 'cli',
    boot: BOOT,
    counter,
    atUnixMs: Date.now(),
    kind,
    actor: userName(),
    traceId: null,
    salt: randomBytes(16).toString('hex'),
    previous,
    facts,
  };
  const text = JSON.stringify(entry);
  const line = signer ? signTrailEntry(text, signer.privateKey) : text;
  previous = sha256Hex(Buffer.from(line));
  return { entry, line };
}

/** As people read it: the time first. */
function viewOf({ entry }: Written): string {
  return JSON.stringify({ at: new Date(entry.atUnixMs).toISOString(), ...entry });
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
async function append(path: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, lines.map((line) => `${line}\n`).join(''), { flag: 'a', mode: 0o640 });
}

/** Entries that the mesh has not taken yet. */
function spoolOf({ state }: Place): string {
  return join(state, 'cli-trail');
}

/** Sorts by time, and within a command by its entries. */
function nameNow(): string {
  return [String(Date.now()).padStart(15, '0'), BOOT, String(counter).padStart(6, '0')].join('-');
}
