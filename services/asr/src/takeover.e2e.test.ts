import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ALICE, enginePid, type ServiceProcess, statusPublisher, type TestFleet, testFleet, toneOf } from '@smartlite/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PATIENCE = { timeout: 60_000 };
const SPOKEN = Buffer.from(toneOf({ ms: 1_000, hz: 440, rateHz: 16_000 }));

let fleet: TestFleet;
let asr: ServiceProcess;
beforeAll(async () => {
  fleet = await testFleet();
  const publisher = await statusPublisher(fleet.server.url, fleet.domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  asr = await fleet.start('asr', 'asr-1');
});
afterAll(() => fleet[Symbol.asyncDispose]());

async function heard() {
  const settings = { tier: '', partials: false, endAtPause: false };
  const { transcript, servedBy } = await fleet.peers.asr.transcribe({ settings, pcm: SPOKEN }, { caller: ALICE });
  return { text: transcript?.text, by: servedBy };
}
/** Until the primary answers: it is loaded, and its breaker, if it was open, was closed by probes. */
const primaryHears = () => expect.poll(async () => (await heard()).by?.model, PATIENCE).toBe('ears');

describe('a recogniser that goes wrong, as a real process', () => {
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    it(`is replaced by its shadow, which hears the segment from its beginning; and comes back when it is well: ${signal}`, async () => {
      await primaryHears();
      const pid = enginePid(asr, 'ears');
      process.kill(pid, signal);
      const { text, by } = await heard();
      expect([text, by?.model, by?.role]).toEqual(['hello', 'quick-ears', 'shadow']);
      await expect.poll(() => enginePid(asr, 'ears'), PATIENCE).not.toBe(pid);
      await primaryHears();
    });
  }

  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    it(`and so is the voice detector, by a look at the loudness: ${signal}`, async () => {
      await primaryHears();
      const pid = enginePid(asr, 'detector');
      process.kill(pid, signal);
      expect((await heard()).text).toBe('hello world');
      await expect.poll(() => enginePid(asr, 'detector'), PATIENCE).not.toBe(pid);
    });
  }

  it('says so in its metrics', async () => {
    const metrics = await (await fetch(`http://${asr.metrics}/metrics`)).text();
    expect(metrics).toMatch(/smartlite_takeovers_total\{model="ears",code="unavailable",service="asr"\} [1-9]/);
    expect(metrics).toMatch(/smartlite_breaker_state\{model="ears",service="asr"\} 0/);
  });

  it('says so to who follows the routes at the command line', async () => {
    const main = join(import.meta.dirname, '..', '..', '..', 'ops', 'cli', 'src', 'main.ts');
    const { files, home } = fleet.domain;
    const watch = spawn(process.execPath, [main, 'watch', 'routes', '--after', 'beginning', '--json'], {
      env: { SMARTLITE_HOME: home, SMARTLITE_TRUST: files.trust, SMARTLITE_NATS_URL: fleet.server.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    fleet.defer(() => watch.kill('SIGKILL'));
    let written = '';
    watch.stdout.on('data', (chunk: Buffer) => (written += chunk.toString()));
    const lines = () =>
      written
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const breaker = (state: string) =>
      expect.objectContaining({
        type: 'breaker.changed',
        data: expect.objectContaining({ service: 'asr', instance: 'asr-1', model: 'ears', state }),
      });
    await expect.poll(lines, PATIENCE).toEqual(expect.arrayContaining([breaker('open'), breaker('closed')]));
  });
});
