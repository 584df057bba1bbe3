// How long a caller waits for the next candidate when a model goes wrong, and for whom two instances of which one is slow answer.
// Real processes over scripted engines: what is measured is ours, not a model's speed.
import { setTimeout as wait } from 'node:timers/promises';
import {
  ALICE,
  DEFAULT_MODELS,
  enginePid,
  type ScriptedModel,
  type ScriptStep,
  type ServiceProcess,
  statusPublisher,
  type TestFleet,
  testFleet,
  toneOf,
} from '@smartlite/testkit';
import { spread } from './measure.ts';

/** Of the scripted pack: what each stage may take. */
const P99_MS = 1_600;
/** LiveKit's fallback adapter, measured for comparison: it leaves a hung model after this, and never a slow one or one that stalls after its headers. */
const LIVEKIT = { stop: '5100 ms', kill: 'at once', stall: 'never', garbage: 'at once', crash: 'at once' } as const;
const SPOKEN = Buffer.from(toneOf({ ms: 1_000, hz: 440, rateHz: 16_000 }));
const COMES_BACK_MS = 120_000;

const frame: ScriptStep = { chunk: { pcm: { $tone: { ms: 100, hz: 440, rateHz: 16_000 } }, rateHz: 16_000 } };
const prompt: ScriptStep = { chunk: { kind: 'prompt', tokens: 7 } };
const word: ScriptStep = { chunk: { kind: 'token', text: 'Well', tokens: 1, logProb: null } };
const end: ScriptStep = { chunk: { kind: 'end', reason: 'stop' } };
const rules = (good: readonly ScriptStep[], begun: readonly ScriptStep[]) => [
  { when: 'stall', steps: [...begun, { hold: 'never' }] },
  { when: 'garbage', steps: [...begun, { chunk: { noise: true } }] },
  { when: 'crash', steps: [...begun, { exit: 3 }] },
  { steps: [...good] },
];
const counting = { when: '"kind":"count', steps: [{ chunk: { kind: 'count', tokens: 7 } }] };
const SCRIPTS: Readonly<Record<string, ScriptedModel['script']['rules']>> = {
  mind: [counting, ...rules([prompt, word, end], [prompt, word])],
  mouth: rules([frame, frame], [frame]),
};
const MODELS = DEFAULT_MODELS.map((model) => {
  const script = SCRIPTS[model.id];
  return script === undefined ? model : { ...model, script: { format: 'smartlite-script/1' as const, rules: script } };
});

type Fault = keyof typeof LIVEKIT;
interface Stage {
  readonly service: 'asr' | 'llm' | 'tts';
  readonly primary: string;
  readonly faults: readonly Fault[];
  /** Resolves with who answered, when the first result that anybody can use is there. */
  readonly ask: (fleet: TestFleet, text: string) => Promise<string | undefined>;
}

const STAGES: readonly Stage[] = [
  { service: 'asr', primary: 'ears', faults: ['kill', 'stop'], ask: heard },
  { service: 'llm', primary: 'mind', faults: ['garbage', 'crash', 'stall', 'stop'], ask: answered },
  { service: 'tts', primary: 'mouth', faults: ['garbage', 'crash', 'stall', 'stop'], ask: spoken },
];

export default async function takeover(): Promise<void> {
  console.log(`time to the first result of the next candidate; mark: the P99 of ${P99_MS} ms and a scheduling delay`);
  for (const stage of STAGES) await takeovers(stage);
  await twoInstances();
}

async function takeovers(stage: Stage): Promise<void> {
  await using fleet = await testFleet({ models: MODELS });
  const publisher = await statusPublisher(fleet.server.url, fleet.domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  const service = await fleet.start(stage.service, `${stage.service}-1`);
  for (const fault of stage.faults) {
    await until(async () => (await stage.ask(fleet, 'Hello.')) === stage.primary);
    const { by, ms } = await measured(stage, fault, fleet, service);
    const delay = await schedulingDelayMs();
    const mark = fault === 'stop' || fault === 'stall' ? P99_MS + delay : delay;
    console.log(
      `${stage.service} ${fault.padEnd(8)} ${ms.toFixed(0).padStart(6)} ms by ${String(by).padEnd(12)} mark ${mark.toFixed(0)} ms   LiveKit ${LIVEKIT[fault]}`,
    );
  }
}

async function measured(stage: Stage, fault: Fault, fleet: TestFleet, service: ServiceProcess) {
  if (fault === 'stop') process.kill(enginePid(service, stage.primary), 'SIGSTOP');
  if (fault === 'kill') process.kill(enginePid(service, stage.primary), 'SIGKILL');
  const began = performance.now();
  const by = await stage.ask(fleet, `A ${fault}.`);
  return { by, ms: performance.now() - began };
}

/** A turn through nothing but timers and a process that answers at once: what the machine itself costs at this moment. */
async function schedulingDelayMs(): Promise<number> {
  const began = performance.now();
  for (let step = 0; step < 10; step += 1) await wait(1);
  return performance.now() - began;
}

async function heard({ peers }: TestFleet): Promise<string | undefined> {
  const settings = { tier: '', partials: false, endAtPause: false };
  return (await peers.asr.transcribe({ settings, pcm: SPOKEN }, { caller: ALICE })).servedBy?.model;
}

async function answered({ peers }: TestFleet, content: string): Promise<string | undefined> {
  const messages = [{ role: 'user', content }];
  const request = { messages, tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom: 1 as const };
  for await (const { kind } of peers.llm.generate(request, { caller: ALICE }))
    if (kind?.$case === 'done') return kind.value.servedBy?.model;
  return undefined;
}

async function spoken({ peers }: TestFleet, text: string): Promise<string | undefined> {
  for await (const { kind } of peers.tts.synthesize({ text, voice: '', rate: 0 }, { caller: ALICE }))
    if (kind?.$case === 'done') return kind.value.servedBy?.model;
  return undefined;
}

const TURNS = 150;
/** The slow one's engine stands still for most of each period: it answers, and late. */
const STANDS_MS = 450;
const RUNS_MS = 50;

async function twoInstances(): Promise<void> {
  await using fleet = await testFleet({ models: MODELS });
  const publisher = await statusPublisher(fleet.server.url, fleet.domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  const slow = await fleet.start('tts', 'tts-slow');
  await fleet.start('tts', 'tts-quick');
  await until(async () => fleet.peers.instances('tts').length === 2);
  await turns(fleet, 'both are quick  ');
  const pid = enginePid(slow, 'mouth');
  const stuttering = new AbortController();
  const stutter = stutters(pid, stuttering.signal);
  await turns(fleet, 'one is slow     ');
  stuttering.abort();
  await stutter;
  await turns(fleet, 'it is well again');
  await turns(fleet, 'and later       ');
}

async function stutters(pid: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    process.kill(pid, 'SIGSTOP');
    await wait(STANDS_MS);
    process.kill(pid, 'SIGCONT');
    await wait(RUNS_MS);
  }
}

async function turns(fleet: TestFleet, name: string): Promise<void> {
  const times: number[] = [];
  let [slow, failed] = [0, 0];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const began = performance.now();
    const onChosen = (instance: string) => (slow += instance === 'tts-slow' ? 1 : 0);
    try {
      for await (const _ of fleet.peers.tts.synthesize({ text: 'Hello.', voice: '', rate: 0 }, { caller: ALICE, onChosen }));
      times.push(performance.now() - began);
    } catch {
      failed += 1;
    }
    await wait(20);
  }
  console.log(`two instances, ${name}: ${failed} of ${TURNS} failed, ${slow} to the slow one; ${spread(times, 'ms')}`);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + COMES_BACK_MS;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > giveUpMs) throw new Error('it did not come back in time');
    await wait(200);
  }
}
