import { breakerHints, defineService, implement, ModelPool } from '@smartlite/chassis';
import { LlmServiceService } from '@smartlite/contracts';
import { llmConfig } from './config.ts';
import { Desk } from './desk.ts';
import { wantedModels } from './tiers.ts';

export const llm = defineService({
  name: 'llm',
  config: llmConfig,
  engines: {
    gguf: new URL('./engines/gguf.ts', import.meta.url),
    openai: new URL('./engines/openai.ts', import.meta.url),
    phrasebook: new URL('./engines/phrasebook.ts', import.meta.url),
  },

  wire({ llmConcurrency }, platform) {
    const pool = new ModelPool(platform, {
      plan: (pack) => wantedModels(pack, llmConcurrency),
    });
    const desk = new Desk({ ...platform, hints: breakerHints(platform) }, pool);
    let inflight = 0;

    return {
      grpc: [
        implement(LlmServiceService, {
          generate: {
            inSafeMode: 'diagnose',
            async *handle(request, call) {
              inflight += 1;
              try {
                yield* desk.generate(request, call);
              } finally {
                inflight -= 1;
              }
            },
          },
          countTokens: { inSafeMode: 'diagnose', handle: (request, call) => desk.count(request, call) },
        }),
      ],
      facts() {
        const notReady = desk.notReady();
        return { inflight, queued: pool.queued, models: desk.facts(), ...(notReady === undefined ? {} : { notReady }) };
      },
      async start() {
        pool.start();
      },
      async close() {
        desk.close();
        pool.close();
      },
    };
  },
});
