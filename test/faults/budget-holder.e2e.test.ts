import { createPeers, systemClock, systemIds } from '@smartlite/chassis/parts';
import { STREAMS, Unit } from '@smartlite/contracts';
import { connect, type NatsConnection } from 'nats';
import { describe, expect, it } from 'vitest';
import { eventsOf, scriptedMesh } from '../gateway/scriptedmesh.ts';

const PATIENCE = { timeout: 120_000, interval: 250 };
const RATE_HZ = 16_000;
const SPOKEN_MS = 4_000;
/** A loud tone counts as speech to the scripted voice detector. */
const SPEECH = new Uint8Array(
  Int16Array.from({ length: (SPOKEN_MS / 1_000) * RATE_HZ }, (_, at) => Math.round(8_000 * Math.sin(at / 6))).buffer,
);
/** Of the scripted model's question. */
const PROMPT_TOKENS = 7;

type Spent = Readonly<Record<string, number>>;

/** What the ledger's own entries say that a holder may have used, added up apart from the ledger's code. */
async function coveredByEntries(nats: NatsConnection): Promise<Spent> {
  const manager = await nats.jetstreamManager();
  const { state } = await manager.streams.info(STREAMS.ledger);
  const covered: Record<string, number> = {};
  for (let seq = 1; seq <= state.last_seq; seq += 1) {
    const { entries } = (await manager.streams.getMessage(STREAMS.ledger, { seq })).json<{
      entries: { command: { kind: string; covered?: Spent; spent?: Spent } }[];
    }>();
    for (const { command } of entries) {
      expect(command.kind).not.toBe('settle');
      for (const [unit, value] of Object.entries(command.covered ?? command.spent ?? {}))
        covered[unit] = Math.max(covered[unit] ?? 0, value);
    }
  }
  return covered;
}

describe('a gateway that is killed in the middle of an answer', () => {
  it('is charged, once its life is over, for at least what its caller got, and nothing stays held', async () => {
    await using mesh = await scriptedMesh({ SMARTLITE_RESERVATION_MS: '10000' });
    await using stack = new AsyncDisposableStack();
    const nats = await connect({ servers: mesh.natsUrl });
    stack.defer(() => nats.close());
    const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
    stack.defer(() => peers.close());

    const got = { tokens: PROMPT_TOKENS, audio: 0 };
    const headers = { 'content-type': `audio/l16;rate=${RATE_HZ}` };
    const response = await mesh.fetch('/v1/voice/turns', { method: 'POST', headers, body: SPEECH });
    await expect(async () => {
      for await (const { event, data } of eventsOf(response)) {
        // The scripted model counts each word as one token.
        if (event === 'answer.delta') got.tokens += String(data['text']).trim().split(' ').length;
        if (event === 'audio') got.audio += 1;
        if (event === 'audio' && got.audio === 1) await mesh.services.get('gateway')?.kill();
      }
    }).rejects.toThrow();
    expect(got.tokens).toBeGreaterThan(PROMPT_TOKENS);

    const usages = async () => {
      const { usages: lines } = await peers.budget.getUsage({ tenant: 'acme', user: 'ann' }, {});
      return new Map(
        lines.map(({ unit, charged, reserved }) => [unit, { charged: Number(charged), reserved: Number(reserved) }]),
      );
    };
    expect((await usages()).get(Unit.UNIT_LLM_TOKENS)?.reserved).toBeGreaterThan(0);
    await expect.poll(async () => [...(await usages()).values()].some(({ reserved }) => reserved > 0), PATIENCE).toBe(false);

    const charged = await usages();
    const of = (unit: Unit) => charged.get(unit)?.charged ?? 0;
    expect(of(Unit.UNIT_REQUESTS)).toBe(1);
    expect(of(Unit.UNIT_LLM_TOKENS)).toBeGreaterThanOrEqual(got.tokens);
    expect(of(Unit.UNIT_ASR_MILLISECONDS)).toBeGreaterThanOrEqual(SPOKEN_MS);
    expect(of(Unit.UNIT_TTS_CHARACTERS)).toBeGreaterThanOrEqual('Hello there.'.length);
    expect(await coveredByEntries(nats)).toEqual({
      requests: 1,
      llm_tokens: of(Unit.UNIT_LLM_TOKENS),
      asr_ms: of(Unit.UNIT_ASR_MILLISECONDS),
      tts_characters: of(Unit.UNIT_TTS_CHARACTERS),
    });
  });
});
