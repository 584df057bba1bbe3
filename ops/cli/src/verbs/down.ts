import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { record } from '../trail/record.ts';
import { holderOf } from '../up/claim.ts';
import { readMesh, removeMesh } from '../up/mesh-file.ts';
import { findPlace } from '../up/place.ts';
import { isRunning, type ProcessMark, signal } from '../up/process-facts.ts';
import { endAll, marksOf } from '../up/strays.ts';

/** A supervisor ends its services within 10 s and its bus after them. */
const STOP_MS = 25_000;
const LOOK_MS = 50;

/** `smartlite down` */
export function registerDown(program: Command): void {
  program
    .command('down')
    .description('end the mesh of this checkout, also one that is being started')
    .option('--json', 'print one JSON object')
    .action(down);
}

async function down(options: { readonly json?: boolean }): Promise<void> {
  const place = findPlace();
  const [mesh, holder] = await Promise.all([readMesh(place.meshFile), holderOf(place)]);
  const wasRunning = holder !== undefined || (mesh !== undefined && [mesh.supervisor, ...marksOf(mesh)].some(isRunning));
  // While there is still a mesh that takes it.
  if (mesh) await record(place, [{ kind: 'operator.command', facts: { command: 'down' } }]);
  for (const supervisor of [mesh?.supervisor, holder]) if (supervisor) await end(supervisor);
  // A start that was ended in its middle has left behind what it had started by then.
  const left = (await readMesh(place.meshFile)) ?? mesh;
  if (left) await endAll(marksOf(left).filter(isRunning));
  await removeMesh(place.meshFile);
  const text = wasRunning ? 'The mesh has ended.' : 'No mesh of this checkout was running.';
  console.log(options.json ? JSON.stringify({ ended: wasRunning }) : text);
}

async function end(supervisor: ProcessMark): Promise<void> {
  signal(supervisor, 'SIGTERM');
  for (let waited = 0; waited < STOP_MS && isRunning(supervisor); waited += LOOK_MS) await wait(LOOK_MS);
  signal(supervisor, 'SIGKILL');
}
