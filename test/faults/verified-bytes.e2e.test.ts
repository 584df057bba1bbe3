import { readFileSync, writeFileSync } from 'node:fs';
import { type AuditEntry, type SpanRecord, SUBJECTS } from '@smartlite/contracts';
import { type TestFleet, testFleet } from '@smartlite/testkit';
import { parseLock } from '@smartlite/trust';
import { afterEach, describe, expect, it } from 'vitest';
import { PATIENCE } from './ground.ts';
import { replayVerifiedBytes } from './verifiedbytes.ts';

const CALLER = { user: 'alice', tenant: 'acme', regions: [], operator: false };
/** Callers at once. */
const LOAD = 4;
/** Loud for a second, at 16 kHz mono s16le: the scripted detector takes it for speech. */
const SPEECH = Buffer.from(Int16Array.from({ length: 16_000 }, (_, index) => 8_000 * Math.sin(index / 6)).buffer);
const SETTINGS = { tier: '', asrTier: '', asrLatencyMs: 0, voice: '', history: [], timers: [], timeZone: '', endAtPause: false };

let fleet: TestFleet;
afterEach(() => fleet[Symbol.asyncDispose]());

async function turn(): Promise<string> {
  async function* question() {
    yield { kind: { $case: 'settings' as const, value: SETTINGS } };
    yield { kind: { $case: 'pcm' as const, value: SPEECH } };
  }
  let done = false;
  try {
    for await (const { kind } of fleet.peers.voice.turn(question(), { caller: CALLER, timeoutMs: 20_000 }))
      done ||= kind?.$case === 'done';
    return done ? 'answered' : 'no end';
  } catch (caught) {
    return (caught as { code?: string }).code ?? String(caught);
  }
}

function hear<T>(subject: string): readonly T[] {
  const heard: T[] = [];
  fleet.nats.subscribe(subject, { callback: (failure, message) => void (failure ?? heard.push(message.json<T>())) });
  return heard;
}

describe('verified-bytes: voice turns in flight while a byte of the recogniser’s model flips', () => {
  it('not one answer comes from a refused model, by the replay of audit and traces, and all serve again after a full verification', async () => {
    fleet = await testFleet();
    const [entries, batches] = [hear<AuditEntry>(SUBJECTS.audits), hear<readonly SpanRecord[]>(SUBJECTS.traces)];
    writeFileSync(`${fleet.domain.home}/clients.json`, '{}');
    await fleet.start('verifier', 'verifier-1');
    await fleet.start('budget', 'budget-1');
    for (const service of ['asr', 'llm', 'tts'] as const) await fleet.start(service, `${service}-1`);
    await fleet.start('gateway', 'gateway-1', {
      SMARTLITE_HTTP_ADDRESS: '127.0.0.1:0',
      SMARTLITE_CLIENTS: `${fleet.domain.home}/clients.json`,
    });
    await expect.poll(turn, PATIENCE).toBe('answered');

    let running = true;
    const outcomes: string[] = [];
    const callers = Array.from({ length: LOAD }, async () => {
      while (running) outcomes.push(await turn());
    });
    await expect.poll(() => outcomes.filter((outcome) => outcome === 'answered').length, PATIENCE).toBeGreaterThan(20);
    const file = fleet.domain.artifact('ears');
    const good = readFileSync(file);
    writeFileSync(file, good.toString().replace('world', 'word!'));
    const modes = () => fleet.peers.instances().map(({ mode }) => mode);
    await expect.poll(modes, PATIENCE).toEqual(Array.from({ length: 6 }, () => 'safe'));
    const refusedFrom = outcomes.length;
    await expect.poll(() => outcomes.length, PATIENCE).toBeGreaterThan(refusedFrom + 2 * LOAD);
    expect(outcomes.slice(refusedFrom + LOAD)).not.toContain('answered');
    writeFileSync(file, good);
    await expect.poll(modes, PATIENCE).toEqual(Array.from({ length: 6 }, () => 'normal'));
    const servedFrom = outcomes.length;
    await expect.poll(() => outcomes.slice(servedFrom), PATIENCE).toContain('answered');
    running = false;
    await Promise.all(callers);
    const answered = outcomes.filter((outcome) => outcome === 'answered').length;
    await expect
      .poll(() => entries.filter(({ kind }) => kind === 'turn.answered').length, PATIENCE)
      .toBeGreaterThanOrEqual(answered);

    const lock = parseLock(readFileSync(fleet.domain.files.lock));
    const manifest = new Map(lock.manifest.map(({ id, sha256 }) => [`sha256:${sha256}`, id]));
    const locks = new Map([[fleet.domain.lockDigest() as string, manifest]]);
    const replay = replayVerifiedBytes({ entries, spans: batches.flat(), statuses: fleet.statuses, locks });
    expect(replay.violations).toEqual([]);
    expect(replay.uses).toBeGreaterThanOrEqual(3 * answered);
    console.info(
      `${outcomes.length} turns, ${answered} answered, ${replay.uses} uses of models and ${batches.flat().length} spans replayed`,
    );
  });
});
