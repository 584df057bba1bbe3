import { describe, expect, it } from 'vitest';
import { manualClock, seededIds } from '@smartlite/testkit';
import { choose } from '../discovery/choose.ts';
import { Directory, PING_MS } from '../discovery/directory.ts';
import { Conduct } from './conduct.ts';

const METHOD = '/Llm/Generate';
const GOOD_MS = 100;
const SLOW_MS = 2_500;
/** A turn begins this often: more than one instance alone serves at a time. */
const EVERY_MS = 40;

/** Instances whose speed the test sets, behind the very functions that peers choose with. Time is virtual. */
class Mesh {
  readonly tookMs: Record<string, number> = { a: GOOD_MS, b: GOOD_MS };
  readonly #clock = manualClock();
  readonly #directory = new Directory(this.#clock);
  readonly #conduct = new Conduct();
  readonly #ids = seededIds(7);
  readonly #underWay = new Map<string, { readonly beganMs: number; readonly endsMs: number }[]>();
  answered = 0;

  /** So many turns; returns whom each was given to. */
  turns(count: number): readonly string[] {
    return Array.from({ length: count }, () => {
      this.#advance();
      const instance = this.#choose();
      const beganMs = this.#clock.monotonicMs();
      this.#of(instance).push({ beganMs, endsMs: beganMs + (this.tookMs[instance] ?? GOOD_MS) });
      return instance;
    });
  }

  #choose(): string {
    const nowMs = this.#clock.monotonicMs();
    const [byte = 0] = this.#ids.bytes(1);
    const choice = choose(this.#directory.live(), {
      regions: [],
      avoid: new Set(),
      underWay: (instance) => this.#of(instance).length,
      latencyMs: (instance) => this.#conduct.latencyMs(instance, METHOD, nowMs),
      isEjected: (instance) => this.#conduct.isEjected(instance, nowMs),
      chance: () => byte / 256,
    });
    if (choice.kind !== 'chosen') throw new Error('no instance was chosen');
    return choice.instance.instance;
  }

  #advance(): void {
    this.#clock.advance(EVERY_MS);
    const nowMs = this.#clock.monotonicMs();
    for (const instance of Object.keys(this.tookMs)) {
      const under = this.#of(instance);
      for (const { beganMs, endsMs } of under.filter((turn) => turn.endsMs <= nowMs)) {
        this.#conduct.answered(instance, METHOD, endsMs - beganMs, nowMs);
        this.answered += 1;
      }
      this.#underWay.set(
        instance,
        under.filter(({ endsMs }) => endsMs > nowMs),
      );
      if (nowMs % PING_MS === 0 || this.#directory.live().length < 2) this.#announce(instance);
    }
  }

  #announce(instance: string): void {
    const identity = { instance, region: 'local', grpc: '', metrics: '', pid: '1', version: '1' };
    const inflight = this.#of(instance).length;
    const load = {
      mode: 'normal' as const,
      epochApplied: 1,
      inflight,
      queued: 0,
      ready: true,
      models: [],
      breakers: [],
      addresses: {},
    };
    this.#directory.see({ service: 'llm', identity, load });
  }

  #of(instance: string) {
    return this.#underWay.get(instance) ?? this.#underWay.set(instance, []).get(instance) ?? [];
  }
}

const share = (given: readonly string[], instance: string) => given.filter((each) => each === instance).length / given.length;
/** Without the first of them: some turns pass until the first slow answer is there. */
const settled = (given: readonly string[]) => given.slice(100);

describe('hundreds of turns of which one of two instances becomes slow and well again', () => {
  it('are shared evenly, leave the slow one, and come back to it', () => {
    const mesh = new Mesh();
    const before = share(settled(mesh.turns(300)), 'a');
    mesh.tookMs['a'] = SLOW_MS;
    const slow = share(settled(mesh.turns(500)), 'a');
    mesh.tookMs['a'] = GOOD_MS;
    mesh.turns(1_000);
    const after = share(mesh.turns(300), 'a');
    expect(before).toBeGreaterThan(0.3);
    expect(before).toBeLessThan(0.7);
    expect(slow).toBeLessThan(0.1);
    expect(after).toBeGreaterThan(0.3);
    expect(after).toBeLessThan(0.7);
    expect(mesh.answered).toBeGreaterThan(2_000);
  });
});

describe('two instances that are as fast as each other but for some percent', () => {
  it('share the turns: none is starved for a small difference', () => {
    for (const percent of [1, 2, 5, 10]) {
      const mesh = new Mesh();
      mesh.tookMs['a'] = GOOD_MS * (1 + percent / 100);
      const given = settled(mesh.turns(600));
      expect(share(given, 'a'), `${percent} % slower`).toBeGreaterThan(0.25);
    }
  });
});
