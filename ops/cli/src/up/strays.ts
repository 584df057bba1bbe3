import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import { type MeshFile, readMesh } from './mesh-file.ts';
import type { Place } from './place.ts';
import { isRunning, type ProcessMark, signal } from './process-facts.ts';

/** How long a process may take to end by itself before it is killed, and how often we look. */
const END_MS = 5_000;
const LOOK_MS = 50;

/** Refuses a second mesh of this checkout, and ends what a killed supervisor has left behind. Gives how many processes it ended. */
export async function endStrays(meshFile: string): Promise<number> {
  const mesh = await readMesh(meshFile);
  if (mesh === undefined) return 0;
  if (isRunning(mesh.supervisor)) {
    throw new Problem(
      `A mesh of this checkout runs already (process ${mesh.supervisor.pid}${mesh.gateway ? `, ${mesh.gateway}` : ''}).`,
      'Use it, or end it first: npx smartlite down.',
    );
  }
  const left = marksOf(mesh).filter(isRunning);
  await endAll(left);
  return left.length;
}

/** Removes keys and passwords of instances of earlier starts: nobody will use them again, except a thief. */
export async function forgetInstances({ identities, nats }: Pick<Place, 'identities' | 'nats'>): Promise<void> {
  await rm(identities, { recursive: true, force: true });
  const names = await readdir(nats).catch(() => []);
  for (const name of names.filter((each) => each.endsWith('.json'))) await rm(join(nats, name), { force: true });
}

/** Every process of a mesh but its supervisor. The bus goes last, so that services can still say goodbye. */
export function marksOf(mesh: MeshFile): ProcessMark[] {
  const services = mesh.instances.flatMap(({ process }) => process ?? []);
  return [...services, ...(mesh.nats.process ? [mesh.nats.process] : [])];
}

/** Asks processes to end, waits, and kills those that do not. */
export async function endAll(marks: readonly ProcessMark[], endMs = END_MS): Promise<void> {
  for (const mark of marks) signal(mark, 'SIGTERM');
  for (let waited = 0; waited < endMs && marks.some(isRunning); waited += LOOK_MS) await wait(LOOK_MS);
  for (const mark of marks) signal(mark, 'SIGKILL');
}
