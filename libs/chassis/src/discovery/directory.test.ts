import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock, natsServer } from '@smartlite/testkit';
import fc from 'fast-check';
import { connect } from 'nats';
import { describe, expect, it, onTestFinished } from 'vitest';
import { choose } from './choose.ts';
import { Directory, type KnownInstance, PING_MS } from './directory.ts';
import { followInstances } from './follow.ts';
import { parseSighting, type Sighting } from './instancefacts.ts';

const sighting = (instance: string, load: Partial<Sighting['load']> = {}, region = 'local'): Sighting => ({
  service: 'llm',
  identity: { instance, region, grpc: '127.0.0.1:1', metrics: '127.0.0.1:2', pid: '7', version: '0.1.0' },
  load: {
    mode: 'normal',
    epochApplied: 1,
    inflight: 0,
    queued: 0,
    ready: true,
    models: [],
    breakers: [],
    addresses: {},
    ...load,
  },
});
const names = (instances: readonly KnownInstance[]) => instances.map(({ instance }) => instance);

describe('an instance that answers', () => {
  it('is live until it has missed two pings', () => {
    const clock = manualClock();
    const directory = new Directory(clock);
    directory.see(sighting('llm-1'));
    clock.advance(2 * PING_MS);
    expect(names(directory.live('llm'))).toEqual(['llm-1']);
    clock.advance(PING_MS);
    expect(directory.live('llm')).toEqual([]);
  });

  it('is gone at once when its connection breaks, and back when it answers', () => {
    const directory = new Directory(manualClock());
    directory.see(sighting('llm-1'));
    directory.lose('llm-1');
    expect(directory.live()).toEqual([]);
    directory.see(sighting('llm-1'));
    expect(names(directory.live())).toEqual(['llm-1']);
  });

  it('that says it stops is given nothing new while another is ready, until it answers anew', () => {
    const directory = new Directory(manualClock());
    directory.see(sighting('llm-1'));
    directory.see(sighting('llm-2', { inflight: 9 }));
    directory.drain('llm-1');
    const chosen = () => choose(directory.live(), wish);
    expect(chosen()).toMatchObject({ instance: { instance: 'llm-2' } });
    directory.see(sighting('llm-1'));
    expect(chosen()).toMatchObject({ instance: { instance: 'llm-1' } });
  });

  it('stays live although the wall clock is set', () => {
    const clock = manualClock();
    const directory = new Directory(clock);
    directory.see(sighting('llm-1'));
    clock.stepWall(3_600_000);
    expect(names(directory.live())).toEqual(['llm-1']);
  });
});

const known = (...sightings: Sighting[]) => {
  const directory = new Directory(manualClock());
  for (const each of sightings) directory.see(each);
  return directory.live();
};
const wish = {
  regions: [],
  avoid: new Set<string>(),
  underWay: () => 0,
  latencyMs: () => undefined,
  isEjected: () => false,
  chance: () => 0,
};

describe('the choice of an instance', () => {
  it('prefers the less loaded of two', () => {
    expect(choose(known(sighting('busy', { inflight: 3 }), sighting('idle')), wish)).toMatchObject({
      instance: { instance: 'idle' },
    });
  });

  it('prefers the quicker of two that are as loaded', () => {
    const latencyMs = (instance: string) => (instance === 'slow' ? 300 : 100);
    expect(choose(known(sighting('slow'), sighting('quick')), { ...wish, latencyMs })).toMatchObject({
      instance: { instance: 'quick' },
    });
  });

  it("counts this process' own calls, which the instance has not reported yet", () => {
    const underWay = (instance: string) => (instance === 'a' ? 5 : 0);
    expect(choose(known(sighting('a'), sighting('b')), { ...wish, underWay })).toMatchObject({ instance: { instance: 'b' } });
  });

  it('takes one that is not ready only if none is: it says best why it cannot', () => {
    expect(choose(known(sighting('a', { ready: false }), sighting('b', { inflight: 9 })), wish)).toMatchObject({
      instance: { instance: 'b' },
    });
    expect(choose(known(sighting('a', { ready: false })), wish)).toMatchObject({ instance: { instance: 'a' } });
  });

  it('leaves out one that was ejected, until it is back; where all are, none is', () => {
    const ejected = new Set(['a']);
    const ask = () =>
      choose(known(sighting('a'), sighting('b', { inflight: 9 })), { ...wish, isEjected: (instance) => ejected.has(instance) });
    expect(ask()).toMatchObject({ instance: { instance: 'b' } });
    ejected.add('b');
    expect(ask()).toMatchObject({ instance: { instance: 'a' } });
    ejected.clear();
    expect(ask()).toMatchObject({ instance: { instance: 'a' } });
  });

  it('tells "nobody there" from "nobody in an allowed region"', () => {
    expect(choose([], wish).kind).toBe('none');
    expect(choose(known(sighting('a', {}, 'us')), { ...wish, regions: ['eu'] }).kind).toBe('no-compliant-region');
  });

  it('never leaves the allowed regions nor takes one to be avoided (in-region)', () => {
    const instance = fc.record({
      name: fc.string({ minLength: 1 }),
      region: fc.constantFrom('eu', 'us'),
      ready: fc.boolean(),
      inflight: fc.nat(5),
    });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(instance),
        fc.subarray(['eu', 'us']),
        chance,
        fc.array(fc.string()),
        (instances, regions, number, avoided) => {
          const live = known(...instances.map(({ name, region, ...load }) => sighting(name, load, region)));
          const choice = choose(live, { ...wish, regions, chance: () => number, avoid: new Set(avoided) });
          if (choice.kind !== 'chosen') return;
          expect(regions.length === 0 || regions.includes(choice.instance.region)).toBe(true);
          expect(avoided).not.toContain(choice.instance.instance);
        },
      ),
    );
  });
});

describe('an answer from the bus', () => {
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const { identity, load } = sighting('llm-1');
  const stats = { name: 'smartlite-llm', metadata: identity, endpoints: [{ name: 'load', data: load }] };

  it('is heard also from who answers two questions together, under permissions that let each be answered once', async () => {
    const user = (name: string, permissions: string) => `{ user: ${name}, password: x, permissions: { ${permissions} } }`;
    const users = [
      user('asr', 'publish: { allow: "$SRV.>" }'),
      user('llm', 'publish: { deny: ">" }, subscribe: { allow: "$SRV.>" }, allow_responses: true'),
    ];
    const folder = mkdtempSync(join(tmpdir(), 'smartlite-discovery-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const config = join(folder, 'nats.conf');
    writeFileSync(config, `authorization { users = [ ${users.join(', ')} ] }`);
    await using server = await natsServer({ config });
    const open = (name: string) => connect({ servers: server.url, user: name, pass: 'x' });
    const [asker, late] = [await open('asr'), await open('llm')];
    const [questions, heard] = [late.subscribe('$SRV.STATS'), Promise.withResolvers<void>()];
    await late.flush();
    let answers = 0;
    const directory = new Directory(manualClock());
    const see = directory.see.bind(directory);
    directory.see = (seen) => {
      see(seen);
      if ((answers += 1) === 2) heard.resolve();
    };
    const stop = followInstances(asker, directory);
    const held = [];
    for await (const question of questions) if (held.push(question) === 2) break;
    for (const question of held) question.respond(encode(stats));
    await heard.promise;
    expect(names(directory.live())).toEqual(['llm-1']);
    stop();
    await Promise.all([asker.close(), late.close()]);
  });

  it('is read when it is of the mesh', () => {
    expect(parseSighting(encode(stats))).toEqual(sighting('llm-1'));
  });

  it.each([
    ['another service of the same NATS', { ...stats, name: 'thermometer' }],
    ['a service that the mesh does not have', { ...stats, name: 'smartlite-oven' }],
    ['a load that is no number', { ...stats, endpoints: [{ data: { ...load, inflight: 'none' } }] }],
    ['no endpoints', { ...stats, endpoints: [] }],
  ])('is ignored otherwise: %s', (_what, answer) => {
    expect(parseSighting(encode(answer))).toBeUndefined();
  });

  it('of any bytes at all throws nothing', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => parseSighting(bytes) === undefined));
  });
});
