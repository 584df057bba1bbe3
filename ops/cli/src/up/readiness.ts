import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { Supervisor } from './supervisor.ts';

/** Starting seven processes takes 5 s on two free cores; a machine that needs longer than this is too small or stuck. */
const START_MS = 120_000;
/** A process that ends this often before it was ever ready will not become so. */
const CRASHES_MAX = 3;
const LOOK_MS = 100;
/** An instance on this machine answers within milliseconds, unless all cores load models. */
const ANSWER_MS = 5_000;
/** Whom a turn passes. */
const NEEDED: ReadonlySet<string> = new Set(['gateway', 'asr', 'llm', 'tts', 'budget']);

/** Waits until every instance listens. One that cannot start ends the wait, with its own last words. */
export async function waitForServices(supervisor: Supervisor, logs: string): Promise<void> {
  const late = AbortSignal.timeout(START_MS);
  for (;;) {
    const changed = supervisor.changed();
    for (const { process: kept } of supervisor.members) {
      if (kept.state.kind === 'given-up' || kept.restarts >= CRASHES_MAX) throw await cannotStart(kept.name, logs);
    }
    const waiting = supervisor.members.filter(({ ready }) => ready === undefined);
    if (waiting.length === 0) return;
    if (late.aborted) throw await cannotStart(waiting[0]?.process.name ?? '', logs);
    await Promise.race([changed, wait(1000)]);
  }
}

/** Waits until a turn can be served: a lock status permits it, and every instance that infers has loaded what it serves with. */
export async function waitUntilServing(supervisor: Supervisor, logs: string): Promise<void> {
  const members = supervisor.members.filter(({ instance }) => NEEDED.has(instance.service));
  let waiting: string[] = [];
  for (let waited = 0; waited < START_MS; waited += LOOK_MS) {
    await refuseRestriction(members);
    const looks = await Promise.all(
      members.map(async ({ instance, ready }) => ({ id: instance.id, ...(await look(ready?.metrics)) })),
    );
    waiting = looks.filter(({ ready }) => !ready).map(({ id, said }) => `  ${id}: ${said}`);
    if (waiting.length === 0) return;
    await wait(LOOK_MS);
  }
  throw new Problem(
    `The mesh did not become ready within ${START_MS / 1000} s:\n${waiting.join('\n')}`,
    `npx smartlite doctor says what is missing; the logs lie in ${logs}.`,
  );
}

/** A fleet that may not serve will not become ready by waiting: its reasons are said at once. */
async function refuseRestriction(members: Supervisor['members']): Promise<void> {
  const http = members.find(({ instance }) => instance.service === 'gateway')?.ready?.addresses['http'];
  const status = http === undefined ? undefined : await fetchStatus(http);
  if (status === undefined || status.local || (status.mode !== 'safe' && status.mode !== 'halted')) return;
  throw new FleetRestricted(status.mode, status.reasons);
}

/** The mesh runs, and its lock status lets no model answer. */
export class FleetRestricted extends Problem {
  constructor(mode: string, reasons: readonly string[]) {
    super(
      `The fleet is in ${mode} mode: no model answers.${reasons.map((reason) => `\n  ${reason}`).join('')}`,
      'npx smartlite verify names every finding; npx smartlite status shows the fleet.',
    );
  }
}

const statusSchema = z.looseObject({ mode: z.string(), local: z.boolean(), reasons: z.array(z.string()) });

async function fetchStatus(gateway: string): Promise<z.infer<typeof statusSchema> | undefined> {
  try {
    const response = await fetch(`${gateway}/status`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return statusSchema.safeParse(await response.json()).data;
  } catch {
    return undefined;
  }
}

/** What an instance says of itself at `/readyz`. */
async function look(address: string | null | undefined): Promise<{ readonly ready: boolean; readonly said: string }> {
  if (!address) return { ready: false, said: 'it does not listen' };
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { ready: response.ok, said: (await response.text()).trim() };
  } catch {
    return { ready: false, said: 'it does not answer' };
  }
}

async function cannotStart(name: string, logs: string): Promise<Problem> {
  const path = join(logs, `${name}.ndjson`);
  const text = await readFile(path, 'utf8').catch(() => '');
  const words = lastWords(text.trim().split('\n')).map(messageOf).join('\n');
  return new Problem(
    `${name} does not start. Its last words:\n${words || '(none)'}`,
    `Mend what it names; the whole log is ${path}.`,
  );
}

/** The newest lines; of a stack trace the line that names the error. */
function lastWords(lines: readonly string[]): readonly string[] {
  const named = lines.findLast((line) => /^(Uncaught )?\w*Error\b/.test(line));
  return named === undefined ? lines.slice(-3) : [named];
}

/** The text of a structured log line, or the line as it is. */
function messageOf(line: string): string {
  try {
    const { text, ...rest } = JSON.parse(line) as { text?: string; because?: unknown; error?: unknown; faults?: unknown };
    return `  ${text ?? line}${describe(rest.faults ?? rest.error ?? rest.because)}`;
  } catch {
    return `  ${line}`;
  }
}

function describe(more: unknown): string {
  if (more === undefined) return '';
  return ` ${typeof more === 'string' ? more : JSON.stringify(more)}`;
}
