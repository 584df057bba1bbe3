import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '@smartlite/contracts';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { FAKE_SERVICE, freeAddress, keyless, temporaryPlace } from './fixtures/mesh.ts';
import { readMesh } from './mesh-file.ts';
import type { Place } from './place.ts';
import { isRunning, signal } from './process-facts.ts';
import { waitForServices } from './readiness.ts';
import { endStrays, forgetInstances, marksOf } from './strays.ts';
import { type MeshOptions, Supervisor } from './supervisor.ts';

async function startFakes(place: Place, options: Partial<MeshOptions> = {}): Promise<Supervisor> {
  const supervisor = new Supervisor({
    place,
    domain: keyless,
    scale: {},
    http: await freeAddress(),
    nats: { kind: 'given', url: 'nats://127.0.0.1:1', credentials: undefined },
    mainOf: () => FAKE_SERVICE,
    onEvent: () => {},
    ...options,
  });
  onTestFinished(() => supervisor.stop());
  await supervisor.startServices();
  await waitForServices(supervisor, place.logs);
  await supervisor.markReady();
  return supervisor;
}

async function mesh(place: Place) {
  const found = await readMesh(place.meshFile);
  if (found === undefined) throw new Error('no mesh file');
  return found;
}

afterEach(() => {
  delete process.env['FOREIGN_SECRET'];
  delete process.env['SMARTLITE_FAKE_MISUSE'];
});

describe('a mesh that has started', () => {
  it('runs as many processes of each service as the scale says, and lists each in run/mesh.json', async () => {
    using place = temporaryPlace();
    await startFakes(place, { scale: { asr: 2 } });
    const { instances, ready } = await mesh(place);
    expect(ready).toBe(true);
    expect(instances.map(({ service }) => service)).toEqual(
      SERVICES.flatMap((service) => (service === 'asr' ? [service, service] : [service])),
    );
    expect(instances.every(({ process, grpc }) => process !== null && isRunning(process) && grpc !== null)).toBe(true);
  });

  it('names the gateway’s address', async () => {
    using place = temporaryPlace();
    const http = await freeAddress();
    await startFakes(place, { http });
    expect((await mesh(place)).gateway).toBe(`http://127.0.0.1:${http.port}`);
  });

  it('hands a service no variable of the caller that is not meant for it', async () => {
    using place = temporaryPlace();
    process.env['FOREIGN_SECRET'] = 'x';
    await startFakes(place);
    const [first] = (await mesh(place)).instances;
    expect(readFileSync(join(place.logs, `${first?.id}.ndjson`), 'utf8')).toContain('"secrets":[]');
  });

  it('starts a killed instance again under its own name and leaves the others alone', async () => {
    using place = temporaryPlace();
    const supervisor = await startFakes(place);
    const before = (await mesh(place)).instances;
    const victim = before.find(({ service }) => service === 'tts')?.process;
    if (victim) signal(victim, 'SIGKILL');
    do await supervisor.changed();
    while (supervisor.members.some(({ ready }) => ready === undefined));
    await supervisor.markReady();
    const after = (await mesh(place)).instances;
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(
      after
        .filter((instance, index) => instance.process?.pid !== before[index]?.process?.pid)
        .map(({ service, restarts }) => [service, restarts]),
    ).toEqual([['tts', 1]]);
  });

  it('refuses a second one of the same checkout, and says how to end it', async () => {
    using place = temporaryPlace();
    await startFakes(place);
    await expect(endStrays(place.meshFile)).rejects.toMatchObject({
      message: expect.stringContaining('runs already'),
      remedy: expect.stringContaining('smartlite down'),
    });
  });
});

describe('a mesh that has been stopped', () => {
  it('leaves no process and no run/mesh.json behind', async () => {
    using place = temporaryPlace();
    const supervisor = await startFakes(place);
    const marks = marksOf(await mesh(place));
    await supervisor.stop();
    expect(marks.filter(isRunning)).toEqual([]);
    expect(await readMesh(place.meshFile)).toBeUndefined();
  });
});

describe('a service whose settings are wrong', () => {
  it('is not started again, and its own words are what the user reads', async () => {
    using place = temporaryPlace();
    process.env['SMARTLITE_FAKE_MISUSE'] = 'llm';
    await expect(startFakes(place)).rejects.toThrow(/llm-[0-9a-f]{8} does not start[\s\S]*SMARTLITE_FAKE is not a number/);
  });
});

describe('a supervisor that was killed', () => {
  it('takes its services and the bus with it', async () => {
    using place = temporaryPlace();
    const { marks } = await killedSupervisor(place);
    expect(marks).toHaveLength(SERVICES.length + 1);
    await allGone(marks);
  });

  it('leaves keys and passwords of its instances, which the next start removes', async () => {
    using place = temporaryPlace();
    await killedSupervisor(place);
    const left = () => [place.identities, join(place.nats, 'cli.json')].filter((path) => existsSync(path));
    expect(left()).toHaveLength(2);
    await forgetInstances(place);
    expect(left()).toEqual([]);
  });

  it('does not stop the next start', async () => {
    using place = temporaryPlace();
    await killedSupervisor(place);
    await endStrays(place.meshFile);
    await startFakes(place);
  });
});

async function killedSupervisor(place: Place) {
  const child = fork(join(import.meta.dirname, 'fixtures', 'main.ts'), {
    env: { ...process.env, SMARTLITE_HOME: place.state },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  const marks = marksOf(await mesh(place));
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { marks };
}

/** Ends when all are gone; the test's own patience is the limit. */
async function allGone(marks: ReturnType<typeof marksOf>): Promise<void> {
  while (marks.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
}
