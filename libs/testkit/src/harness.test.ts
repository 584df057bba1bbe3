import { defineService, defineSettings, implement } from '@smartlite/chassis';
import { LlmServiceService } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { harness } from './harness.ts';

const config = defineSettings({});
const llm = defineService({
  name: 'llm',
  config,
  wire(_config, { engines, peers, clock, ids, bus, trail, instance }) {
    return {
      grpc: [
        implement(LlmServiceService, {
          countTokens: {
            inSafeMode: 'serve',
            async handle(_request, call) {
              const { promptTokens } = await peers.llm.countTokens({ messages: [], tier: '' }, { call });
              trail.record('call.served', { id: ids.uuid(), atMs: clock.nowMs() });
              bus.publishEvent('model.loaded', { service: 'llm', instance, model: 'mind', artifactDigests: [] });
              return { promptTokens, answerTokensMax: 0, promptTokensMax: 0 };
            },
          },
          generate: {
            inSafeMode: 'refuse',
            async *handle(request, call) {
              const engine = await engines.start<unknown, string>('mind');
              for await (const text of engine.run(request, call.signal))
                yield { kind: { $case: 'chunk' as const, value: { text, tokens: 1 } } };
            },
          },
        }),
      ],
    };
  },
});
const counted = async () => ({ promptTokens: 7, answerTokensMax: 0, promptTokensMax: 0 });
const options = {
  peers: { llm: { countTokens: counted } },
  engines: {
    async *mind() {
      yield 'hello';
      yield 'there';
    },
  },
};
const generating = { messages: [], tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom: 0 as const };

describe('a service in the harness', () => {
  it('is called through all layers, with engines, peers, bus and trail of the test', async () => {
    await using mesh = await harness(llm, options);
    expect(await mesh.of(LlmServiceService).countTokens({ messages: [], tier: '' }, {})).toMatchObject({ promptTokens: 7 });
    expect(mesh.bus.events).toEqual([
      { type: 'model.loaded', data: { service: 'llm', instance: 'llm-test', model: 'mind', artifactDigests: [] } },
    ]);
    const texts: unknown[] = [];
    for await (const { kind } of mesh.of(LlmServiceService).generate(generating, {}))
      texts.push(kind?.$case === 'chunk' && kind.value.text);
    expect(texts).toEqual(['hello', 'there']);
  });

  it("says the same each time: ids and clock are the test's", async () => {
    const entries = await Promise.all(
      [1, 2].map(async () => {
        await using mesh = await harness(llm, options);
        mesh.clock.advance(5);
        await mesh.of(LlmServiceService).countTokens({ messages: [], tier: '' }, {});
        return mesh.trail.entries;
      }),
    );
    expect(entries[0]).toEqual(entries[1]);
  });

  it('is refused when the test turns the mode', async () => {
    await using mesh = await harness(llm, options);
    mesh.guard.become({ mode: 'safe' });
    const answers = mesh.of(LlmServiceService).generate(generating, {})[Symbol.asyncIterator]();
    await expect(answers.next()).rejects.toMatchObject({ code: 'safe-mode' });
  });

  it('sees an engine crash as a service does', async () => {
    await using mesh = await harness(llm, options);
    const answers = mesh.of(LlmServiceService).generate(generating, {})[Symbol.asyncIterator]();
    await answers.next();
    mesh.engines.crash('mind');
    await expect(answers.next()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is told by name which peer the test has forgotten', async () => {
    await using mesh = await harness(llm);
    await expect(mesh.of(LlmServiceService).countTokens({ messages: [], tier: '' }, {})).rejects.toThrow(/llm\.countTokens/);
  });
});
