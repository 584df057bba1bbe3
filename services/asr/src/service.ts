import { breakerHints, defineService, implement, ModelPool } from '@smartlite/chassis';
import { AsrServiceService } from '@smartlite/contracts';
import { asrConfig } from './config.ts';
import { Recogniser } from './recogniser.ts';
import { wantedModels } from './tiers.ts';
import { Transcription } from './transcription.ts';

export const asr = defineService({
  name: 'asr',
  config: asrConfig,
  engines: {
    moonshine: new URL('./engines/moonshine.ts', import.meta.url),
    silero: new URL('./engines/silero.ts', import.meta.url),
  },

  wire({ asrEndPauseMs }, platform) {
    const pool = new ModelPool(platform, { plan: wantedModels });
    const recogniser = new Recogniser({ ...platform, hints: breakerHints(platform) }, pool);
    const transcription = new Transcription(recogniser, asrEndPauseMs);

    return {
      grpc: [
        implement(AsrServiceService, {
          transcribe: { inSafeMode: 'diagnose', handle: (request, call) => transcription.whole(request, call) },
          streamTranscribe: { inSafeMode: 'diagnose', handle: (requests, call) => transcription.live(requests, call) },
        }),
      ],
      facts() {
        const notReady = recogniser.notReady();
        return {
          inflight: transcription.inflight,
          queued: pool.queued,
          models: recogniser.facts(),
          ...(notReady === undefined ? {} : { notReady }),
        };
      },
      async start() {
        pool.start();
      },
      async close() {
        recogniser.close();
        pool.close();
      },
    };
  },
});
