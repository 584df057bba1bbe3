import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SUBJECTS } from '@smartlite/contracts';
import { writeAtomically } from '@smartlite/trust';
import type { JetStreamClient } from 'nats';
import { z } from 'zod';
import { findBus } from '../../mesh/find.ts';
import { openBus } from '../../mesh/stores/bus.ts';
import type { Place } from '../../up/place.ts';

/** The stream acknowledges within milliseconds; a command does not wait longer for the mesh. */
const ACK_MS = 2_000;
/** Files that one command hands over: what months without a mesh have left is spread over several. */
const FILES_MAX = 1_000;
const SUFFIX = '.ndjson';
const MODE = 0o640;

/**
 * Keeps entries for the mesh: one file for each time, written whole and never changed, so that commands at the same time, a command that
 * is killed and a disk that is full lose nothing and tear nothing. Names sort in the order of writing.
 */
export async function spool(folder: string, name: string, lines: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeAtomically(join(folder, `${name}${SUFFIX}`), lines.map((line) => `${line}\n`).join(''), MODE);
}

/** Publishes what is spooled, each entry under its own id, so that a repeat is the same entry. What the stream has not acknowledged stays; no mesh, no failure. */
export async function handOver(place: Place, folder: string): Promise<void> {
  const address = await findBus(place).catch(() => undefined);
  if (address === undefined) return;
  const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).toSorted();
  await using bus = await openBus(address);
  const stream = bus.jetstream({ timeout: ACK_MS });
  for (const name of names.slice(0, FILES_MAX)) {
    const path = join(folder, name);
    // Another command may have handed it over meanwhile.
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    if (!lines.every((line) => idOf(line))) {
      console.error(`${path} holds something else than entries of the audit log: it is left there; repair or remove it.`);
      continue;
    }
    await publish(stream, lines);
    await rm(path, { force: true });
  }
}

/** As it was written: its signature and the digest in the next one are over these very bytes. */
async function publish(stream: JetStreamClient, lines: readonly string[]): Promise<void> {
  for (const line of lines) await stream.publish(SUBJECTS.audit('cli'), line, { msgID: idOf(line) ?? '' });
}

function idOf(line: string): string | undefined {
  try {
    return z.object({ id: z.string().min(1) }).parse(JSON.parse(line)).id;
  } catch {
    return undefined;
  }
}
