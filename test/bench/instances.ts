// Two instances of one service, of which one is slowed, and well again: whom callers are answered by, how fast, and whether any is lost.
// The whole mesh as `npm start` runs it, with its real models; the slow instance's engines stand still for most of the time.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type RealMesh, realMesh } from '../mesh/realmesh.ts';
import { spread } from './measure.ts';

const SERVICES = ['asr', 'llm', 'tts'] as const;
type Service = (typeof SERVICES)[number];
const CLIP = new URL('../speech/cards_003.wav', import.meta.url);
/** Of each phase. */
const TURNS = 30;
/** The slow one's engines stand still for most of each period: they answer, and late. */
const STANDS_MS = 450;
const RUNS_MS = 50;
/** Of what a turn that failed told: its last event. */
const TOLD_MOST = 600;

interface Status {
  readonly instances: readonly { readonly service: string; readonly id: string; readonly pid: number }[];
}

/** `npm run bench instances [asr|llm|tts ...]`: all three unless told. */
export default async function instances(words: readonly string[]): Promise<void> {
  const asked = SERVICES.filter((service) => words.length === 0 || words.includes(service));
  if (asked.length === 0) throw new Error(`give some of ${SERVICES.join(', ')}`);
  await using mesh = await realMesh({ up: ['--scale', asked.map((service) => `${service}=2`).join()] });
  for (const service of asked) await oneIsSlow(mesh, service);
}

async function oneIsSlow(mesh: RealMesh, service: Service): Promise<void> {
  const { instances: all } = await mesh.facts<Status>('status');
  const slow = all.find((instance) => instance.service === service);
  if (slow === undefined) throw new Error(`no instance of ${service} runs`);
  await turns(mesh, service, slow.id, 'both are quick');
  const stuttering = new AbortController();
  const stutter = stutters(childrenOf(slow.pid), stuttering.signal);
  await turns(mesh, service, slow.id, 'one is slow');
  stuttering.abort();
  await stutter;
  await turns(mesh, service, slow.id, 'it is well again');
  await turns(mesh, service, slow.id, 'and later');
}

/** Ends with all of them running. */
async function stutters(pids: readonly number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const pid of pids) send(pid, 'SIGSTOP');
    await wait(STANDS_MS);
    for (const pid of pids) send(pid, 'SIGCONT');
    await wait(RUNS_MS);
  }
}

/** One that hung too long has been ended by its service meanwhile. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}

/** The engines of an instance. */
function childrenOf(pid: number): readonly number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
}

async function turns(mesh: RealMesh, service: Service, slow: string, phase: string): Promise<void> {
  const times: number[] = [];
  const failures: string[] = [];
  let toSlow = 0;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const began = performance.now();
    try {
      const by = await answeredBy(mesh, service);
      times.push(performance.now() - began);
      if (by === slow) toSlow += 1;
    } catch (caught) {
      failures.push(String(caught));
    }
  }
  const failed = `${failures.length} of ${TURNS} failed`;
  console.log(`two of ${service}, ${phase.padEnd(16)}: ${failed}, ${toSlow} by the slow one; ${spread(times, 'ms')}`);
  for (const failure of failures) console.log(`  ${failure}`);
}

/** One whole turn; the instance that did this stage of it. Throws what its caller was told instead of an answer. */
async function answeredBy({ gateway, apiKey }: RealMesh, service: Service): Promise<string> {
  const response = await fetch(`${gateway}/v1/voice/turns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'audio/wav' },
    body: readFileSync(CLIP),
  });
  const told = await response.text();
  const done = /^event: done\ndata: (.*)$/m.exec(told)?.[1];
  const facts = JSON.parse(done ?? '{}') as { servedBy?: Readonly<Record<Service, { readonly instance: string } | null>> };
  const instance = facts.servedBy?.[service]?.instance;
  if (instance === undefined)
    throw new Error(`${response.status}, no instance of ${service} answered; the end: ${told.slice(-TOLD_MOST)}`);
  return instance;
}
