import { AsrServiceService, MeshError, type StreamTranscribeRequest, type StreamTranscribeResponse } from '@smartlite/contracts';
import { memoryTrail, natsServer, settableGuard } from '@smartlite/testkit';
import { connect } from 'nats';
import { describe, expect, it } from 'vitest';
import { announce } from '../discovery/announce.ts';
import { listenGrpc } from '../server/server.ts';
import type { PeerOptions } from '../platform.ts';
import { type Duplex, implement } from '../service.ts';
import { systemClock, systemIds } from '../system.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createPeers } from './peers.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
type Listening = Duplex<StreamTranscribeRequest, StreamTranscribeResponse>['handle'];

/** Two instances of a speech service, `first` and `second`, and somebody who calls them. */
async function mesh(first: Listening, second: Listening) {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await natsServer());
  const nats = await connect({ servers: url });
  stack.defer(() => nats.close());
  for (const [instance, handle] of Object.entries({ first, second })) {
    const methods = {
      transcribe: { inSafeMode: 'refuse' as const, handle: () => Promise.reject(new MeshError('internal', 'not used')) },
      streamTranscribe: { inSafeMode: 'refuse' as const, handle },
    };
    const parts = {
      clock: systemClock,
      ids: systemIds,
      log,
      metrics: createMetrics('asr', { process: false }),
      trail: memoryTrail(),
      guard: settableGuard(),
    };
    const grpc = await listenGrpc('127.0.0.1:0', [implement(AsrServiceService, methods)], parts);
    stack.defer(() => grpc.close());
    const own = await connect({ servers: url });
    stack.defer(() => own.close());
    // The second looks busier, so the first is asked first.
    await announce(
      own,
      'asr',
      { instance, region: 'local', grpc: grpc.address, metrics: 'none:1', pid: '1', version: '0.1.0' },
      () => ({
        mode: 'normal',
        epochApplied: 1,
        inflight: instance === 'first' ? 0 : 9,
        queued: 0,
        ready: true,
        models: [],
        breakers: [],
        addresses: {},
      }),
    );
  }
  const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
  stack.defer(() => peers.close());
  await expect.poll(() => peers.instances('asr').length, { timeout: 20_000 }).toBe(2);
  return { peers, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

const pcm = (byte: number): StreamTranscribeRequest => ({ kind: { $case: 'pcm', value: Buffer.from([byte]) } });
const partial = (text: string): StreamTranscribeResponse => ({
  kind: { $case: 'partial', value: { text, confidence: 1, startMs: 0, endMs: 0 } },
});
const textOf = ({ kind }: StreamTranscribeResponse) => (kind?.$case === 'partial' ? kind.value.text : '');

/** Says how many frames it has heard, when the caller has spoken to the end. */
const counting: Listening = async function* (requests) {
  let heard = 0;
  for await (const _frame of requests) heard += 1;
  yield partial(`heard ${heard}`);
};
/** Crashes at its third frame. */
const crashing: Listening = async function* (requests) {
  let heard = 0;
  for await (const _frame of requests) {
    heard += 1;
    if (heard === 3) throw new MeshError('unavailable', 'crashed');
  }
  yield partial('not reached');
};
/** Says at its third frame what it has heard so far, and crashes. */
const breakingOff: Listening = async function* (requests) {
  let heard = 0;
  for await (const _frame of requests) {
    heard += 1;
    if (heard < 3) continue;
    yield partial('heard 3');
    throw new MeshError('unavailable', 'crashed');
  }
};
/** Answers each frame at once. */
const echoing: Listening = async function* (requests) {
  for await (const { kind } of requests) yield partial(`${kind?.$case === 'pcm' && kind.value[0]}`);
};

async function* speech(frames: number) {
  for (let frame = 1; frame <= frames; frame += 1) yield pcm(frame);
}

describe('a stream both ways', () => {
  it('gets answers while the caller still speaks', async () => {
    await using mesh_ = await mesh(echoing, echoing);
    const heard: string[] = [];
    const next = Promise.withResolvers<void>();
    const speaking = async function* () {
      yield pcm(1);
      await next.promise;
      yield pcm(2);
    };
    for await (const answer of mesh_.peers.asr.streamTranscribe(speaking(), {})) {
      heard.push(textOf(answer));
      next.resolve();
    }
    expect(heard).toEqual(['1', '2']);
  });

  it('is heard from its beginning by another instance when the first dies before it has answered', async () => {
    await using mesh_ = await mesh(crashing, counting);
    const chosen: string[] = [];
    const answers: string[] = [];
    for await (const answer of mesh_.peers.asr.streamTranscribe(speech(10), { onChosen: (instance) => chosen.push(instance) }))
      answers.push(textOf(answer));
    expect(answers).toEqual(['heard 10']);
    expect(chosen).toEqual(['first', 'second']);
  });

  it('is heard anew also after an answer, where its caller calls that preliminary, and else never', async () => {
    await using mesh_ = await mesh(breakingOff, counting);
    const heard = async (options: PeerOptions) => {
      const answers: string[] = [];
      for await (const answer of mesh_.peers.asr.streamTranscribe(speech(10), options)) answers.push(textOf(answer));
      return answers;
    };
    expect(await heard({ isPreliminary: () => true })).toEqual(['heard 3', 'heard 10']);
    // Its failure took it out of the directory; it is back with its next sign of life.
    await expect.poll(() => mesh_.peers.instances('asr').length, { timeout: 20_000 }).toBe(2);
    await expect(heard({ isPreliminary: () => false })).rejects.toMatchObject({ code: 'unavailable' });
  });

  // An overload, too, which of an instance would be a reason to ask the next one.
  it.each(['unsupported-media', 'overloaded', 'unavailable'] as const)(
    "fails with the reason of the caller's own stream when that breaks, which is held against nobody: %s",
    async (code) => {
      await using mesh_ = await mesh(echoing, echoing);
      const chosen: string[] = [];
      const breaking = async function* () {
        yield pcm(1);
        throw new MeshError(code, 'no more');
      };
      const read = async () => {
        const options = { onChosen: (instance: string) => chosen.push(instance), isPreliminary: () => true };
        for await (const _answer of mesh_.peers.asr.streamTranscribe(breaking(), options));
      };
      await expect(read()).rejects.toMatchObject({ code });
      expect([chosen.length, mesh_.peers.instances('asr').length]).toEqual([1, 2]);
    },
  );

  it("that its caller leaves ends at the other side, and the caller's stream is closed", async () => {
    const ended = Promise.withResolvers<unknown>();
    const closed = Promise.withResolvers<void>();
    const listening: Listening = async function* (_requests, { signal }) {
      signal.addEventListener('abort', () => ended.resolve((signal.reason as MeshError).code));
      yield partial('hm');
      await new Promise(silent);
    };
    await using mesh_ = await mesh(listening, listening);
    const speaking = async function* () {
      try {
        for (let frame = 1; ; frame += 1) {
          yield pcm(frame % 256);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed.resolve();
      }
    };
    for await (const _answer of mesh_.peers.asr.streamTranscribe(speaking(), {})) break;
    expect(await ended.promise).toBe('cancelled');
    await closed.promise;
  });
});
