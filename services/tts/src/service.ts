import { breakerHints, defineService, implement, ModelPool } from '@smartlite/chassis';
import { TtsServiceService } from '@smartlite/contracts';
import { ttsConfig } from './config.ts';
import { Synthesis } from './synthesis.ts';
import { wantedModels } from './voices.ts';

export const tts = defineService({
  name: 'tts',
  config: ttsConfig,
  engines: {
    flite: new URL('./engines/flite.ts', import.meta.url),
    espeak: new URL('./engines/espeak.ts', import.meta.url),
  },

  wire(_config, platform) {
    const pool = new ModelPool(platform, { plan: wantedModels });
    const synthesis = new Synthesis({ ...platform, hints: breakerHints(platform) }, pool);

    return {
      grpc: [
        implement(TtsServiceService, {
          synthesize: { inSafeMode: 'diagnose', handle: (request, call) => synthesis.speak(request, call) },
        }),
      ],
      facts() {
        const notReady = synthesis.notReady();
        return {
          inflight: synthesis.inflight,
          queued: pool.queued,
          models: synthesis.facts(),
          ...(notReady === undefined ? {} : { notReady }),
        };
      },
      async start() {
        pool.start();
      },
      async close() {
        synthesis.close();
        pool.close();
      },
    };
  },
});
