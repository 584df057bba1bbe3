import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { SUBJECTS } from '@smartlite/contracts';
import { findBus } from '../../mesh/find.ts';
import { openBus } from '../../mesh/stores/bus.ts';
import type { Place } from '../../up/place.ts';

/** The stream acknowledges within milliseconds; a command does not wait longer for the mesh. */
const ACK_MS = 2_000;

/**
 * Publishes what is spooled, each under its own id, so that a repeat is the same entry. What the stream does not acknowledge goes back
 * to the spool; no mesh, no failure.
 */
export async function handOver(place: Place, spool: string): Promise<void> {
  const address = await findBus(place).catch(() => undefined);
  if (address === undefined) return;
  // Taken away under a name of this process: two commands never deliver one spool.
  const taken = `${spool}.${process.pid}`;
  if (
    !(await rename(spool, taken).then(
      () => true,
      () => false,
    ))
  )
    return;
  const lines = (await readFile(taken, 'utf8')).split('\n').filter((line) => line !== '');
  const left = await publish(address, lines).catch(() => lines);
  if (left.length > 0) await writeFile(spool, left.map((line) => `${line}\n`).join(''), { flag: 'a', mode: 0o640 });
  await rm(taken);
}

async function publish(address: Awaited<ReturnType<typeof findBus>>, lines: readonly string[]): Promise<readonly string[]> {
  await using bus = await openBus(address);
  const stream = bus.jetstream({ timeout: ACK_MS });
  const left: string[] = [];
  for (const line of lines) {
    // As it was written: its signature and the digest in the next one are over these very bytes.
    const { id } = JSON.parse(line) as { readonly id: string };
    const sent = left.length === 0 && (await stored(stream.publish(SUBJECTS.audit('cli'), line, { msgID: id })));
    if (!sent) left.push(line);
  }
  return left;
}

function stored(publishing: Promise<unknown>): Promise<boolean> {
  return publishing.then(
    () => true,
    () => false,
  );
}
