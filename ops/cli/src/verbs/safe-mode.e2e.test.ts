import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SUBJECTS } from '@smartlite/contracts';
import { type TestFleet, testFleet } from '@smartlite/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const PATIENCE = { timeout: 60_000 };
let fleet: TestFleet;
let environment: Record<string, string>;

beforeEach(async () => {
  fleet = await testFleet();
  await fleet.start('verifier', 'verifier-1');
  await becomes('normal');
  const keys = join(fleet.domain.home, 'keys');
  mkdirSync(keys, { recursive: true });
  writeFileSync(join(keys, 'operator-key.pem'), fleet.domain.keys.operator.key);
  writeFileSync(join(keys, 'operator-cert.pem'), fleet.domain.keys.operator.chain.join('\n'));
  environment = {
    PATH: process.env['PATH'] ?? '',
    SMARTLITE_HOME: fleet.domain.home,
    SMARTLITE_TRUST: fleet.domain.files.trust,
    SMARTLITE_NATS_URL: fleet.server.url,
  };
});
afterEach(() => fleet[Symbol.asyncDispose]());

const becomes = (mode: string) => expect.poll(() => fleet.status()?.mode, PATIENCE).toBe(mode);

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
/** Runs the command line as a user does. */
async function smartlite(...words: string[]): Promise<Outcome> {
  const run = promisify(execFile)(process.execPath, [MAIN, ...words], { env: environment });
  return run.then(({ stdout, stderr }) => ({ code: 0, stdout, stderr })).catch((failed: Outcome) => failed);
}

/** Follows until the test ends. */
function following(...words: string[]): {
  readonly lines: () => readonly Record<string, unknown>[];
  /** What it has said on stderr. */
  readonly said: () => string;
  readonly child: ChildProcess;
} {
  const child = spawn(process.execPath, [MAIN, 'watch', ...words, '--json'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  fleet.defer(() => child.kill('SIGKILL'));
  let written = '';
  child.stdout.on('data', (chunk: Buffer) => (written += chunk.toString()));
  const lines = () =>
    written
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { lines, said: () => said, child };
}

describe('an operator at the command line', () => {
  it('puts the fleet into safe mode, sees why, and releases it', async () => {
    expect(await smartlite('safe-mode', 'enter', '--reason', 'drill')).toMatchObject({ code: 0 });
    await becomes('safe');
    const status = await smartlite('safe-mode', 'status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ mode: 'safe', failures: [{ code: 'OPERATOR_ORDER', message: 'drill' }] });
    expect(await smartlite('safe-mode', 'release', '--reason', 'done')).toMatchObject({ code: 0 });
    await becomes('normal');
  });

  it('halts the fleet', async () => {
    expect(await smartlite('safe-mode', 'enter', '--halt', '--reason', 'theft')).toMatchObject({ code: 0 });
    await becomes('halted');
  });

  it('is told that there is nothing to release, with exit code 1', async () => {
    const { code, stderr } = await smartlite('safe-mode', 'release', '--reason', 'why not');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing to release') });
  });

  it('is refused with another fleet’s key', async () => {
    const stranger = await testFleet({ fleet: 'other-fleet' });
    writeFileSync(join(fleet.domain.home, 'keys', 'operator-key.pem'), stranger.domain.keys.operator.key);
    writeFileSync(join(fleet.domain.home, 'keys', 'operator-cert.pem'), stranger.domain.keys.operator.chain.join('\n'));
    await stranger[Symbol.asyncDispose]();
    const { code, stderr } = await smartlite('safe-mode', 'enter', '--reason', 'rogue');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('PERMISSION_DENIED') });
    expect(fleet.status()?.mode).toBe('normal');
  });

  it('leaves an entry in the trail, with the key that signed', async () => {
    const entries: string[] = [];
    fleet.nats.subscribe(SUBJECTS.audits, { callback: (_failure, message) => void entries.push(message.string()) });
    await fleet.nats.flush();
    await smartlite('safe-mode', 'enter', '--reason', 'drill');
    await expect
      .poll(() => entries.some((entry) => entry.includes('mode.ordered') && /"actor":"[0-9a-f]{64}"/.test(entry)), PATIENCE)
      .toBe(true);
  });
});

describe('smartlite watch', () => {
  it('shows events from the beginning and as they come, lock statuses, and alerts', async () => {
    const [events, lock, alerts] = [following('events', '--after', 'beginning'), following('lock'), following('alerts')];
    await expect.poll(() => events.lines().map(({ type }) => type), PATIENCE).toContain('verification.passed');
    await expect.poll(() => lock.lines().length, PATIENCE).toBeGreaterThan(0);
    // Alerts are not kept: the flip waits for who follows them.
    await expect.poll(alerts.said, PATIENCE).toContain('Following alerts');
    const file = fleet.domain.artifact('ears');
    await expect
      .poll(() => {
        writeFileSync(file, readFileSync(file, 'utf8').replace('hello', 'hallo'));
        return events.lines().map(({ type }) => type);
      }, PATIENCE)
      .toContain('mode.changed');
    await expect.poll(() => lock.lines().at(-1), PATIENCE).toMatchObject({ mode: 'safe' });
    await expect.poll(() => alerts.lines().map(({ title }) => title), PATIENCE).toContain('the fleet is in safe mode');
  });

  it('ends with 2, and no stack trace, for a position that no event has carried', async () => {
    const { code, stderr } = await smartlite('watch', 'routes', '--after', 'bogus');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^INVALID_ARGUMENT: "bogus"[^\n]*\n$/) });
  });

  it('ends with code 0 when interrupted', async () => {
    const { child, lines } = following('lock');
    await expect.poll(() => lines().length, PATIENCE).toBeGreaterThan(0);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });
});

describe('smartlite status', () => {
  it('says who has applied the decision in force, how fast, and who has not', async () => {
    const applied = async () => {
      const { stdout } = await smartlite('status', '--json');
      return JSON.parse(stdout) as {
        mode: string;
        laggards: string[];
        instances: { id: string; applied: boolean; delayMs: number }[];
      };
    };
    await fleet.start('budget', 'budget-1');
    await smartlite('safe-mode', 'enter', '--reason', 'drill');
    await becomes('safe');
    await expect.poll(async () => (await applied()).laggards, PATIENCE).toEqual([]);
    const { mode, instances } = await applied();
    expect(mode).toBe('safe');
    expect(instances.find(({ id }) => id === 'budget-1')).toMatchObject({ applied: true, delayMs: expect.any(Number) });
  });
});
