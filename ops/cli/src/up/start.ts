import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceName } from '@smartlite/contracts';
import { describeChanged, pullPack } from '../models/pull-pack.ts';
import { ensureLocalKey } from './api-key.ts';
import { claimPlace } from './claim.ts';
import { ensureLocalDomain } from '../domain/local.ts';
import type { Place } from './place.ts';
import { parseAddress, requireFree } from './ports.ts';
import { FleetRestricted, waitForServices, waitUntilServing } from './readiness.ts';
import { step } from './steps.ts';
import { endStrays, forgetInstances } from './strays.ts';
import { type MeshOptions, Supervisor } from './supervisor.ts';

export interface RunningMesh {
  readonly gateway: string;
  /** Why no turn can be served now. */
  readonly restricted: FleetRestricted | undefined;
  stop(): Promise<void>;
}

interface StartOptions {
  readonly scale: Partial<Record<ServiceName, number>>;
}

/** Brings up everything, with a line for each step. What has started ends again when a later step fails. */
export async function startMesh(place: Place, options: StartOptions): Promise<RunningMesh> {
  const claim = await claimPlace(place);
  try {
    const mesh = await startClaimed(place, options);
    const stop = async () => {
      await mesh.stop();
      await claim.release();
    };
    return { ...mesh, stop };
  } catch (caught) {
    await claim.release();
    throw caught;
  }
}

async function startClaimed(place: Place, { scale }: StartOptions): Promise<RunningMesh> {
  const strays = await endStrays(place.meshFile);
  if (strays > 0) console.log(`  ${strays} processes of a killed start were still there and have been ended.`);
  await forgetInstances(place);
  const { http, nats } = addressesOf(process.env);
  await requirePorts(http, nats);
  const pulled = await step('models', () => pullPack(place, 'keep'));
  for (const line of describeChanged(pulled)) console.log(`        ${line}`);
  const { domain, news } = await step('trust domain and signed lock', () => ensureLocalDomain(place, Date.now()));
  for (const line of news) console.log(`        ${line}`);
  await ensureLocalKey(place, Date.now());
  const mainOf = (service: ServiceName) => join(place.root, 'services', service, 'src', 'main.ts');
  const supervisor = new Supervisor({ place, domain, scale, http, nats, mainOf, onEvent: (line) => console.error(line) });
  try {
    await step(nats.kind === 'own' ? 'NATS server' : `NATS at ${nats.url}`, () => supervisor.startNats());
    await step('services', async () => {
      await supervisor.startServices();
      await waitForServices(supervisor, place.logs);
    });
    const gateway = gatewayOf(supervisor, http);
    const restricted = await step('lock status and engines', () => serving(supervisor, place.logs));
    await supervisor.markReady();
    return { gateway, restricted, stop: () => supervisor.stop() };
  } catch (caught) {
    await supervisor.stop();
    throw caught;
  }
}

/** A fleet in safe or halted mode is up all the same: whoever mends it needs its status. */
async function serving(supervisor: Supervisor, logs: string): Promise<FleetRestricted | undefined> {
  try {
    await waitUntilServing(supervisor, logs);
    return undefined;
  } catch (caught) {
    if (caught instanceof FleetRestricted) return caught;
    throw caught;
  }
}

/** Says where to look and how to get in. `toLog`: what is printed is kept in a file, where no key belongs; then it says where the key is. */
export async function announce(
  place: Pick<Place, 'apiKey'>,
  { gateway }: Pick<RunningMesh, 'gateway'>,
  toLog: boolean,
): Promise<void> {
  const key = toLog ? `in ${place.apiKey}` : (await readFile(place.apiKey, 'utf8')).trim();
  console.log(
    `\nThe mesh is up.\n  console  ${gateway}/\n  API key  ${key}\n  try      npx smartlite talk ops/demo/goforward.wav\n  end      Ctrl-C, or npx smartlite down`,
  );
}

function addressesOf(environment: NodeJS.ProcessEnv): Pick<MeshOptions, 'http' | 'nats'> {
  const http = parseAddress(environment['SMARTLITE_HTTP_ADDRESS'] ?? '127.0.0.1:8080', 'SMARTLITE_HTTP_ADDRESS');
  const url = environment['SMARTLITE_NATS_URL'];
  if (url) return { http, nats: { kind: 'given', url, credentials: environment['SMARTLITE_NATS_CREDENTIALS'] } };
  return {
    http,
    nats: {
      kind: 'own',
      address: parseAddress(environment['SMARTLITE_NATS_ADDRESS'] ?? '127.0.0.1:4222', 'SMARTLITE_NATS_ADDRESS'),
    },
  };
}

async function requirePorts(http: MeshOptions['http'], nats: MeshOptions['nats']): Promise<void> {
  await requireFree(http, { what: 'the gateway', setting: 'SMARTLITE_HTTP_ADDRESS' });
  if (nats.kind === 'own') await requireFree(nats.address, { what: 'NATS', setting: 'SMARTLITE_NATS_ADDRESS' });
}

function gatewayOf(supervisor: Supervisor, http: MeshOptions['http']): string {
  const gateway = supervisor.members.find(({ instance }) => instance.service === 'gateway');
  return gateway?.ready?.addresses['http'] ?? `http://${http.host}:${http.port}`;
}
