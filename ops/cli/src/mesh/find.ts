import { readFile } from 'node:fs/promises';
import { Problem } from '../problem.ts';
import { type MeshFile, readMesh } from '../up/mesh-file.ts';
import type { Place } from '../up/place.ts';
import { isRunning } from '../up/process-facts.ts';

const HOW_TO_START = 'Start one with npm start, or name a running one: SMARTLITE_NATS_URL and SMARTLITE_GATEWAY_URL.';

/** The mesh of this checkout that runs now. */
export async function runningMesh(place: Place): Promise<MeshFile | undefined> {
  const mesh = await readMesh(place.meshFile);
  return mesh && isRunning(mesh.supervisor) ? mesh : undefined;
}

export interface BusAddress {
  readonly url: string;
  /** JSON file with user and password. */
  readonly credentials: string | undefined;
}

/** Where the mesh's NATS is: by setting, else by run/mesh.json. */
export async function findBus(place: Place): Promise<BusAddress> {
  const url = process.env['SMARTLITE_NATS_URL'];
  if (url) return { url, credentials: process.env['SMARTLITE_NATS_CREDENTIALS'] };
  const mesh = await runningMesh(place);
  if (mesh) return { url: mesh.nats.url, credentials: mesh.nats.credentials ?? undefined };
  throw new Problem('No mesh of this checkout runs.', HOW_TO_START);
}

/** Where the gateway is: by setting, else by run/mesh.json. */
export async function findGateway(place: Place): Promise<string> {
  const gateway = process.env['SMARTLITE_GATEWAY_URL'] ?? (await runningMesh(place))?.gateway;
  if (gateway) return gateway;
  throw new Problem('No mesh of this checkout runs.', HOW_TO_START);
}

/** The API key: by setting, else this machine's own. */
export async function findApiKey(place: Place): Promise<string> {
  const given = process.env['SMARTLITE_API_KEY'];
  if (given) return given;
  return (await readFile(place.apiKey, 'utf8').catch(refuseKey(place))).trim();
}

function refuseKey(place: Place): (cause: unknown) => never {
  return (cause) => {
    throw new Problem(`${place.apiKey}: there is no API key yet.`, 'npm start makes one; or set SMARTLITE_API_KEY.', { cause });
  };
}
