import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { NatsConnection } from 'nats';
import type { BusAddress } from '../../mesh/find.ts';
import { openBus } from '../../mesh/stores/bus.ts';
import { type Check, fault, ok, warning } from '../check.ts';
import { checkDurability } from '../durability.ts';

const call = promisify(execFile);
/** The oldest server that this was tried with. */
const OLDEST = [2, 9] as const;
/** Nobody's ack: who may publish it may publish for others. */
const FOREIGN_SUBJECT = 'smartlite.lock.ack.nobody.doctor';

/** Looks for a server to start, when none runs. */
export async function checkInstalledServer(): Promise<Check> {
  const version = await call('nats-server', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (version === undefined)
    return fault(
      'nats',
      'nats-server is not on PATH',
      'Run npm start, which installs it, or: sudo apt-get install -y nats-server',
    );
  return isOld(version.replace(/^.*v/, ''))
    ? fault('nats', version, `Install ${OLDEST.join('.')} or newer.`)
    : ok('nats', `${version}, not running`);
}

/** Looks at a running server: reachable, new enough, with JetStream; and whether it keeps our users apart. */
export async function checkRunningServer(address: BusAddress, statedDurability: string | undefined): Promise<Check[]> {
  try {
    await using bus = await openBus(address);
    const { version = '?', jetstream } = bus.info ?? {};
    if (isOld(version)) return [fault('nats', `${version} at ${address.url}`, `Use ${OLDEST.join('.')} or newer.`)];
    if (jetstream !== true)
      return [fault('nats', `${version} at ${address.url}, without JetStream`, 'Start the server with JetStream (-js).')];
    const checks = [ok('nats', `${version} at ${address.url}`), checkDurability(version, statedDurability)];
    return (await mayPublish(bus, FOREIGN_SUBJECT)) ? [...checks, lax(address)] : checks;
  } catch (caught) {
    return [
      fault(
        'nats',
        (caught as Error).message,
        'Is it running there? Are SMARTLITE_NATS_URL and SMARTLITE_NATS_CREDENTIALS right?',
      ),
    ];
  }
}

function lax(address: BusAddress): Check {
  return warning(
    'nats users',
    `at ${address.url} this user may publish any instance’s acks`,
    'Give the cluster the permissions of deploy/nats/permissions.json.',
  );
}

/** The server refuses asynchronously: a round trip later its refusal has arrived. */
async function mayPublish(bus: NatsConnection, subject: string): Promise<boolean> {
  let refused = false;
  void (async () => {
    for await (const { type, data } of bus.status())
      if (type === 'error' && JSON.stringify(data).includes('PERMISSIONS')) refused = true;
  })();
  bus.publish(subject);
  await bus.flush();
  await new Promise((resolve) => setImmediate(resolve));
  return !refused;
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}
