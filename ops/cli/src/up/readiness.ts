import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import { isGatewayReady } from '../talk/engines/gateway.ts';
import type { Supervisor } from './supervisor.ts';

/** Starting seven processes takes 5 s on two free cores; a machine that needs longer than this is too small or stuck. */
const START_MS = 120_000;
/** A process that ends this often before it was ever ready will not become so. */
const CRASHES_MAX = 3;
const LOOK_MS = 100;

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

/** Waits until the gateway can serve a turn: models loaded, a lock status applied. */
export async function waitForGateway(gateway: string, logs: string): Promise<void> {
  for (let waited = 0; waited < START_MS; waited += LOOK_MS) {
    if (await isGatewayReady(gateway)) return;
    await wait(LOOK_MS);
  }
  throw new Problem(
    `The gateway ${gateway} did not become ready within ${START_MS / 1000} s.`,
    `npx smartlite doctor says what is missing; the logs lie in ${logs}.`,
  );
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
