import { MeshError, type TurnRequest, type TurnResponse, VoiceServiceService } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { allEvents, edge, eventually, QUESTION } from './doors/fixtures/edge.ts';
import { HEARD, SENTENCES } from './doors/fixtures/stages.ts';

const SETTINGS = { tier: '', asrTier: '', asrLatencyMs: 0, voice: '', history: [], timers: [], timeZone: '', endAtPause: false };
const settings: TurnRequest = { kind: { $case: 'settings', value: SETTINGS } };
const pcm: TurnRequest = { kind: { $case: 'pcm', value: Buffer.alloc(32_000, 1) } };

async function* sent(...requests: readonly TurnRequest[]) {
  yield* requests;
}

async function all(answers: AsyncIterable<TurnResponse>): Promise<TurnResponse[]> {
  const got: TurnResponse[] = [];
  for await (const answer of answers) got.push(answer);
  return got;
}

describe('a turn over gRPC', () => {
  it.each([
    ['with settings', [settings, pcm]],
    ['without', [pcm]],
  ])('is the same turn as over HTTP: %s', async (_what, requests) => {
    await using gate = await edge();
    const answers = await all(gate.mesh.of(VoiceServiceService).turn(sent(...requests), {}));
    expect(answers.at(-1)).toMatchObject({
      kind: { $case: 'done', value: { transcript: HEARD, answer: SENTENCES.join(''), charge: { llmTokens: 15, asrMs: 1_000 } } },
    });
    expect(gate.mesh.trail.entries).toMatchObject([{ kind: 'turn.answered', actor: 'acme/alice' }]);
  });

  it.each([
    ['an empty stream', [], /the stream is empty/],
    ['settings in the middle', [pcm, settings], /settings come first/],
  ])('is refused with what is wrong: %s', async (_what, requests, message) => {
    await using gate = await edge();
    await expect(all(gate.mesh.of(VoiceServiceService).turn(sent(...requests), {}))).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message),
    });
    expect(gate.ledger.open.size).toBe(0);
  });

  it('whose caller falls silent is over after the time that the setting gives, and the books are closed', async () => {
    await using gate = await edge({ environment: { SMARTLITE_IDLE_MS_MAX: '150' } });
    const silent = async function* () {
      yield* sent(settings, pcm);
      await new Promise(() => undefined);
    };
    await expect(all(gate.mesh.of(VoiceServiceService).turn(silent(), {}))).rejects.toMatchObject({ code: 'request-timeout' });
    await eventually(() => [gate.ledger.open.size, gate.ledger.settled.length]).toEqual([0, 1]);
  });

  it('is refused in safe mode', async () => {
    await using gate = await edge({ state: { mode: 'safe' } });
    await expect(all(gate.mesh.of(VoiceServiceService).turn(sent(pcm), {}))).rejects.toBeInstanceOf(MeshError);
    expect(gate.stages.heardBytes).toBe(0);
  });
});

describe('a gateway that stops', () => {
  it('lets a turn that is under way end, and takes no new one', async () => {
    await using gate = await edge();
    const hold = Promise.withResolvers<void>();
    gate.stages.secondSentence = hold.promise;
    const events = allEvents(await gate.turn(QUESTION));
    await eventually(() => gate.stages.frames).toBe(3);
    expect(gate.mesh.wired.facts?.().inflight).toBe(1);
    const closed = gate.mesh.wired.close?.();
    await expect(
      gate.fetch('/healthz').then(({ status }) => (status === 503 ? Promise.reject(new Error('503')) : status)),
    ).rejects.toThrow();
    hold.resolve();
    expect((await events).at(-1)?.event).toBe('done');
    await closed;
  });

  it('cuts what does not end, and closes its books', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    const events = allEvents(await gate.turn(QUESTION)).catch(() => []);
    await eventually(() => gate.stages.frames).toBe(3);
    await gate.mesh.wired.close?.();
    await events;
    expect([gate.ledger.open.size, gate.ledger.settled.length]).toEqual([0, 1]);
    expect(gate.mesh.trail.entries).toMatchObject([{ kind: 'turn.failed', facts: { code: 'cancelled' } }]);
  });
});
