import { type LlmServiceService as Definition, LlmServiceService, MeshError } from '@smartlite/contracts';
import type { EngineProcess } from './engine/host.ts';
import { defineService, implement, type Methods } from './service.ts';
import { defineSettings } from './settings/define.ts';
import { wholeNumber } from './settings/schemas.ts';

const parrotConfig = defineSettings({ SMARTLITE_PARROTS: wholeNumber('how many parrots', { min: 1, max: 3 }).default(1) });

/** A small service of the usual shape, for the chassis' own tests: one engine process, its pieces passed on as text. */
export const parrot = defineService({
  name: 'llm',
  config: parrotConfig,
  engines: {},

  wire({ parrots }, { engines, trail, bus, instance }) {
    let engine: EngineProcess<unknown, { kind: string; text: string }> | undefined;
    const methods: Methods<typeof Definition> = {
      generate: {
        inSafeMode: 'diagnose',
        async *handle({ messages, tier }, call) {
          if (!engine) throw new MeshError('starting', 'the engine is being loaded');
          for await (const piece of engine.run({ kind: 'generate', messages, tier }, call.signal)) {
            if (piece.kind === 'token') yield { kind: { $case: 'chunk', value: { text: piece.text, tokens: parrots } } };
          }
          trail.record('call.served', { tier }, { traceId: call.traceId, actor: call.caller.user });
          bus.publishEvent('model.loaded', { service: 'llm', instance, model: 'mind', artifactDigests: [] });
        },
      },
      countTokens: {
        inSafeMode: 'serve',
        handle: async () => ({ promptTokens: 1, answerTokensMax: 1, promptTokensMax: process.pid }),
      },
    };
    return {
      grpc: [implement(LlmServiceService, methods)],
      facts: () => ({
        inflight: engine?.inflight ?? 0,
        queued: engine?.queued ?? 0,
        models: engine ? [{ id: 'mind', tier: 'standard', role: 'primary', state: 'loaded' }] : [],
      }),
      async start(signal) {
        engine = await engines.start('mind', { signal });
      },
      close: async () => engine?.kill(),
    };
  },
});
