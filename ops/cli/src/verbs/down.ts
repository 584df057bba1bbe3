import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { record } from '../trail/record.ts';
import { readMesh, removeMesh } from '../up/mesh-file.ts';
import { findPlace } from '../up/place.ts';
import { isRunning, signal } from '../up/process-facts.ts';
import { endAll, marksOf } from '../up/strays.ts';

/** A supervisor ends its services within 10 s and its bus after them. */
const STOP_MS = 25_000;
const LOOK_MS = 50;

/** `smartlite down` */
export function registerDown(program: Command): void {
  program.command('down').description('end the mesh of this checkout').option('--json', 'print one JSON object').action(down);
}

async function down(options: { readonly json?: boolean }): Promise<void> {
  const place = findPlace();
  const mesh = await readMesh(place.meshFile);
  const wasRunning = mesh !== undefined && (isRunning(mesh.supervisor) || marksOf(mesh).some(isRunning));
  if (mesh) {
    // While there is still a mesh that takes it.
    await record(place, [{ kind: 'operator.command', facts: { command: 'down' } }]);
    signal(mesh.supervisor, 'SIGTERM');
    for (let waited = 0; waited < STOP_MS && isRunning(mesh.supervisor); waited += LOOK_MS) await wait(LOOK_MS);
    signal(mesh.supervisor, 'SIGKILL');
    await endAll(marksOf(mesh).filter(isRunning));
    await removeMesh(place.meshFile);
  }
  const text = wasRunning ? 'The mesh has ended.' : 'No mesh of this checkout was running.';
  console.log(options.json ? JSON.stringify({ ended: wasRunning }) : text);
}
