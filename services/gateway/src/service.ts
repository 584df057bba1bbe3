import { type Call, defineService, implement } from '@smartlite/chassis';
import { MeshError, type TurnRequest, type TurnSettings, VoiceServiceService } from '@smartlite/contracts';
import { gatewayConfig } from './config.ts';
import { type HttpDoor, listenHttp } from './doors/http.ts';
import { patiently } from './doors/patience.ts';
import type { Ports } from './engine.ts';
import { LatestTurns } from './latest.ts';
import { StreamedLedgerLine } from './ledgerline.ts';
import { tokensLeft } from './left.ts';
import { PackInForce } from './packinforce.ts';
import { TierChoice } from './tiers.ts';
import { Pace } from './turn/pace.ts';
import { Statement } from './turn/statement.ts';
import { takeTurn } from './turn/turn.ts';
import { voiceFor, voiceModels } from './voices.ts';

/** What is left is told to whoever asks for it; an answer does not wait for it. */
const USAGE_MS = 250;
const SALT_BYTES = 16;
const NO_SETTINGS: TurnSettings = {
  tier: '',
  asrTier: '',
  asrLatencyMs: 0,
  voice: '',
  history: [],
  timers: [],
  timeZone: '',
  endAtPause: false,
};

export const gateway = defineService({
  name: 'gateway',
  config: gatewayConfig,

  wire({ httpAddress, clients, uploadBytesMax, turnSecondsMax, idleMsMax, reservationMs }, platform) {
    const { asr, llm, tts, budget } = platform.peers;
    const { clock, ids, log } = platform;
    const latest = new LatestTurns(platform.trail, () => clock.nowMs());
    const packs = new PackInForce(platform);
    const ledger = new StreamedLedgerLine(budget);
    const left = async (call: Call) => {
      const { tenant, user } = call.caller;
      return tokensLeft((await budget.getUsage({ tenant, user }, { call, timeoutMs: USAGE_MS })).usages);
    };
    const ports: Ports = {
      asr,
      llm,
      tts,
      ledger,
      clock,
      log,
      trail: latest.trail,
      tokensLeft: (call) => left(call).catch(() => undefined),
      async voiceFor(asked) {
        if (asked.model === '' && asked.voice === '') return '';
        const known = await packs.current();
        if (known.kind === 'unknown') throw known.error;
        return voiceFor(voiceModels(known.pack), asked);
      },
      pace: new Pace(() => clock.monotonicMs()),
      tiers: new TierChoice(packs, platform.guard),
      newId: () => ids.uuid(),
      newSalt: () => Buffer.from(ids.bytes(SALT_BYTES)).toString('hex'),
      reservationMs,
    };
    let http: HttpDoor | undefined;

    return {
      grpc: [
        implement(VoiceServiceService, {
          turn: { inSafeMode: 'refuse', handle: (requests, call) => turn(ports, patiently(requests, idleMsMax), call) },
        }),
      ],
      facts: () => ({ inflight: http?.inflight() ?? 0, queued: 0, models: [], addresses: http ? { http: http.url } : {} }),
      async start() {
        http = await listenHttp(platform, ports, {
          address: httpAddress,
          clients,
          idleMsMax,
          latest,
          packs,
          limits: { uploadBytesMax, turnSecondsMax },
        });
      },
      async close() {
        await http?.close();
        // Last, for what was cut has settled by now.
        ledger.close();
      },
    };
  },
});

/** Settings may come first; what follows is audio. */
async function* turn(ports: Ports, requests: AsyncIterable<TurnRequest>, call: Call) {
  const source = requests[Symbol.asyncIterator]();
  const first = await source.next();
  if (first.done) throw new MeshError('invalid-argument', 'the stream is empty: send settings, then audio');
  const { kind } = first.value;
  const settings = kind?.$case === 'settings' ? kind.value : NO_SETTINGS;
  const audio = async function* () {
    if (kind?.$case === 'pcm') yield kind.value;
    for (let next = await source.next(); !next.done; next = await source.next()) {
      if (next.value.kind?.$case !== 'pcm') throw new MeshError('invalid-argument', 'settings come first and once; then audio');
      yield next.value.kind.value;
    }
  };
  const statement = new Statement(ports.newSalt());
  yield* takeTurn(ports, settings, statement.heard(audio()), statement, call);
}
