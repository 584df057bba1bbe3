import type { Command } from 'commander';
import { type Check, describeChecks, ok } from '../doctor/check.ts';
import { checkInstalledServer, checkRunningServer } from '../doctor/engines/server.ts';
import { checkKeys, lockIssuedUnixMs } from '../doctor/keys.ts';
import { checkClock, checkDisk, checkNode, checkPort, checkPrivacy } from '../doctor/machine.ts';
import { checkModels } from '../doctor/models.ts';
import { runningMesh } from '../mesh/find.ts';
import type { MeshFile } from '../up/mesh-file.ts';
import { findPlace, type Place } from '../up/place.ts';
import { parseAddress } from '../up/ports.ts';

/** `smartlite doctor` */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('looks at ports, NATS, models, keys, clock and disk, and says what to do')
    .option('--json', 'print one JSON object')
    .action(doctor);
}

async function doctor(options: { readonly json?: boolean }): Promise<void> {
  const own = findPlace();
  const mesh = await runningMesh(own);
  // A mesh that runs may serve another pack than the project's.
  const checks = await examine(findPlace(process.env, { pack: mesh?.pack }), mesh);
  const healthy = checks.every(({ outcome }) => outcome !== 'fault');
  console.log(options.json ? JSON.stringify({ ok: healthy, checks }) : describeChecks(checks));
  if (!healthy) process.exitCode = 1;
}

async function examine(place: Place, mesh: MeshFile | undefined): Promise<Check[]> {
  return [
    checkNode(process.versions.node),
    await checkDisk(place),
    checkClock(Date.now(), await lockIssuedUnixMs(place)),
    await checkPrivacy(place),
    ...(await checkBus(mesh)),
    await checkModels(place),
    ...(await checkKeys(place, Date.now())),
  ];
}

async function checkBus(mesh: MeshFile | undefined): Promise<Check[]> {
  const url = process.env['SMARTLITE_NATS_URL'];
  const gateway = await checkGatewayPort(mesh);
  const running = url
    ? { url, credentials: process.env['SMARTLITE_NATS_CREDENTIALS'] }
    : mesh && { url: mesh.nats.url, credentials: mesh.nats.credentials ?? undefined };
  if (running) return [gateway, ...(await checkRunningServer(running, process.env['SMARTLITE_NATS_DURABILITY']))];
  const address = parseAddress(process.env['SMARTLITE_NATS_ADDRESS'] ?? '127.0.0.1:4222', 'SMARTLITE_NATS_ADDRESS');
  return [gateway, await checkPort('NATS', address, 'SMARTLITE_NATS_ADDRESS'), await checkInstalledServer()];
}

async function checkGatewayPort(mesh: MeshFile | undefined): Promise<Check> {
  if (mesh?.gateway) return ok('gateway', `${mesh.gateway}, of this checkout’s mesh`);
  const http = parseAddress(process.env['SMARTLITE_HTTP_ADDRESS'] ?? '127.0.0.1:8080', 'SMARTLITE_HTTP_ADDRESS');
  return checkPort('the gateway', http, 'SMARTLITE_HTTP_ADDRESS');
}
