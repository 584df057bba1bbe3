// How long a caller waits for the next candidate when a model goes wrong.
// Real processes over scripted engines: what is measured is ours, not a model's speed.
import { setTimeout as wait } from 'node:timers/promises';
import { enginePid, type ServiceProcess, statusPublisher, type TestFleet, testFleet } from '@smartlite/testkit';
import { spread } from './measure.ts';
import { processEndMs, SchedulingDelay } from './takeover/delay.ts';
import { type Fault, LIVEKIT, MODELS, P99_MS, type Stage, STAGES } from './takeover/stages.ts';

const COMES_BACK_MS = 120_000;
/** Of each fault; the first of each finds code that has never run. */
const ROUNDS = 3;
/** Answers without a fault, before each round, of which the median counts. */
const HEALTHY = 5;

export default async function takeover(): Promise<void> {
  console.log(
    'time to the first result of the next candidate, beyond what the same answer takes where nothing goes wrong; mark:',
  );
  console.log(
    `what shows the fault (the P99 of ${P99_MS} ms where only silence does, the end of a process that does nothing where`,
  );
  console.log('one ends) and one scheduling delay, the P99 of the same run');
  for (const stage of STAGES) await takeovers(stage);
}

async function takeovers(stage: Stage): Promise<void> {
  await using fleet = await testFleet({ models: MODELS });
  const publisher = await statusPublisher(fleet.server.url, fleet.domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  const service = await fleet.start(stage.service, `${stage.service}-1`);
  await until(async () => enginePid(service, stage.spare) !== 0);
  await using delay = new SchedulingDelay();
  const endMs = await processEndMs();
  const taken = new Map<Fault, Awaited<ReturnType<typeof measured>>[]>();
  for (const fault of stage.faults) taken.set(fault, await rounds(stage, fault, fleet, service));
  console.log(`${stage.service}: ${delay.text}; the end of a process is heard after at most ${endMs.toFixed(1)} ms`);
  for (const [fault, times] of taken) {
    const mark = shownAfterMs(fault, endMs) + delay.p99Ms;
    const most = Math.max(...times.map(({ ms }) => ms));
    const verdict = most <= mark ? 'within' : `${(most - mark).toFixed(1)} ms above`;
    const by = [...new Set(times.map((each) => each.by))].join();
    const [ms, healthy] = (['ms', 'healthyMs'] as const).map((which) =>
      spread(
        times.map((each) => each[which]),
        'ms',
      ),
    );
    console.log(
      `  ${fault.padEnd(8)} ${ms}, by ${by}, healthy ${healthy}; mark ${mark.toFixed(1)} ms: ${verdict}   LiveKit ${LIVEKIT[fault]}`,
    );
  }
}

async function rounds(stage: Stage, fault: Fault, fleet: TestFleet, service: ServiceProcess) {
  const times: Awaited<ReturnType<typeof measured>>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await until(async () => (await stage.ask(fleet, 'Hello.')) === stage.primary);
    times.push(await measured(stage, fault, fleet, service));
  }
  return times;
}

function shownAfterMs(fault: Fault, endMs: number): number {
  if (fault === 'stop' || fault === 'stall') return P99_MS;
  return fault === 'garbage' ? 0 : endMs;
}

async function measured(stage: Stage, fault: Fault, fleet: TestFleet, service: ServiceProcess) {
  const healthy: number[] = [];
  for (let answer = 0; answer < HEALTHY; answer += 1) {
    const began = performance.now();
    await stage.ask(fleet, 'Hello.');
    healthy.push(performance.now() - began);
  }
  const healthyMs = healthy.toSorted((a, b) => a - b)[Math.floor(HEALTHY / 2)] ?? 0;
  if (fault === 'stop') process.kill(enginePid(service, stage.primary), 'SIGSTOP');
  if (fault === 'kill') process.kill(enginePid(service, stage.primary), 'SIGKILL');
  const began = performance.now();
  const by = await stage.ask(fleet, `A ${fault}.`);
  return { by, ms: performance.now() - began - healthyMs, healthyMs };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + COMES_BACK_MS;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > giveUpMs) throw new Error('it did not come back in time');
    await wait(200);
  }
}
