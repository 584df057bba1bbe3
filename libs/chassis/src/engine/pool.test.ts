import { MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import type { LockState } from '../platform.ts';
import type { EngineHost, EngineProcess } from './host.ts';
import { ModelPool, type PoolPlatform, STANDBY_AFTER_MS, type WantedModel } from './pool.ts';

const PRIMARY: WantedModel = {
  id: 'big',
  tier: 'standard',
  role: 'primary',
  artifacts: ['big-weights'],
  load: 'at-once',
  inSafeMode: 'unload',
};
const FALLBACK: WantedModel = {
  id: 'small',
  tier: 'standard',
  role: 'fallback',
  artifacts: ['small-weights'],
  load: 'standby',
  inSafeMode: 'keep',
};
const LOCK = `sha256:${'a'.repeat(64)}`;
const NEXT_LOCK = `sha256:${'b'.repeat(64)}`;
const NEVER = new AbortController().signal;

function state(mode: LockState['mode'], more: Partial<LockState> = {}): LockState {
  const nothing = {
    local: false,
    reasons: [],
    epoch: 1,
    order: '1.1.1.1',
    lockSequence: 1,
    substitutions: {},
    refusedArtifacts: [],
  };
  return { mode, lockDigest: mode === 'starting' ? null : LOCK, ...nothing, ...more };
}

/** A process that is there until it is killed or told to crash. */
class FakeProcess implements EngineProcess<unknown, unknown> {
  readonly engine = 'fake';
  readonly pid = 1;
  readonly artifactDigests = [];
  readonly inflight = 0;
  readonly queued = 0;
  readonly waitMs = 0;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly modelId: string;
  lockDigest: string;
  killed = false;
  /** The bytes that it holds are what every lock covers. */
  covered = true;
  end: (code: number) => void = () => undefined;

  constructor(modelId: string, lockDigest: string) {
    this.modelId = modelId;
    this.lockDigest = lockDigest;
    this.exited = new Promise((resolve) => {
      this.end = (code) => resolve({ code, signal: null });
    });
  }
  async *run() {}
  async relock({ lockBytes }: { readonly lockBytes: Uint8Array }) {
    if (this.covered) this.lockDigest = Buffer.from(lockBytes).toString();
    return this.covered;
  }
  kill() {
    this.killed = true;
    this.end(0);
  }
}

class World {
  current: LockState = state('starting');
  fileLock = LOCK;
  processes: FakeProcess[] = [];
  records: string[] = [];
  startFailure: MeshError | undefined;
  mostStarting = 0;
  #starting = 0;
  /** Waits that have begun and not ended: call one to let its time pass. */
  waits: { ms: number; pass: () => void }[] = [];
  /** The same, for the rest before the standbys are loaded. */
  rests: (() => void)[] = [];
  #listener: (state: LockState) => void = () => undefined;

  readonly #engines: EngineHost = {
    start: async <Q, C>(modelId: string) => {
      if (this.startFailure !== undefined) throw this.startFailure;
      this.#starting += 1;
      this.mostStarting = Math.max(this.mostStarting, this.#starting);
      await Promise.resolve();
      this.#starting -= 1;
      const process = new FakeProcess(modelId, this.fileLock);
      this.processes.push(process);
      return process as unknown as EngineProcess<Q, C>;
    },
  };
  readonly pool: ModelPool;

  constructor(models: readonly WantedModel[] = [PRIMARY, FALLBACK]) {
    const platform = {
      service: 'asr',
      instance: 'asr-1',
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      bus: { publishEvent: () => undefined },
      trail: { record: (kind: string, facts: { model: string }) => `${this.records.push(`${kind} ${facts.model}`)}` },
      guard: {
        current: () => this.current,
        onChange: (listener: (state: LockState) => void) => {
          this.#listener = listener;
          return () => undefined;
        },
        alarm: () => undefined,
      },
      models: {
        verify: async () => ({
          lockDigest: this.fileLock,
          lockBytes: Buffer.from(this.fileLock),
          packBytes: Buffer.of(),
          lock: { verification_policy: { allow_shadow_fallback: true } },
          pack: {},
        }),
      },
      engines: this.#engines,
    } as unknown as PoolPlatform;
    const wait = (ms: number) =>
      new Promise<void>((pass) => (ms === STANDBY_AFTER_MS ? this.rests.push(pass) : this.waits.push({ ms, pass })));
    this.pool = new ModelPool(platform, { plan: () => models, wait });
    this.pool.start();
  }

  async become(next: LockState): Promise<void> {
    this.current = next;
    this.#listener(next);
    await this.quiet();
  }

  /** Lets all that is ready run. */
  async quiet(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }

  states() {
    return Object.fromEntries(this.pool.facts().map((fact) => [fact.id, fact.state]));
  }
}

async function normalWorld(models?: readonly WantedModel[]): Promise<World> {
  const world = new World(models);
  await world.become(state('normal'));
  return world;
}

describe('before the first lock status', () => {
  it('starts nothing', async () => {
    const world = new World();
    await world.quiet();
    expect(world.processes).toEqual([]);
  });
});

describe('in normal mode', () => {
  it('loads the models that are wanted at once, and audits each load', async () => {
    const world = await normalWorld();
    expect(world.states()).toEqual({ big: 'loaded', small: 'unloaded' });
    expect(world.records).toEqual(['model.loaded big']);
    expect(world.pool.get('big')?.lockDigest).toBe(LOCK);
  });

  it('loads another model at the first call that needs it, once for all callers', async () => {
    const world = await normalWorld();
    const [one, two] = await Promise.all([world.pool.demand('small', NEVER), world.pool.demand('small', NEVER)]);
    expect(one).toBe(two);
    expect(world.processes.map((process) => process.modelId)).toEqual(['big', 'small']);
  });

  it('loads the standbys when what serves has been loaded for a while, and again after a crash', async () => {
    const world = await normalWorld();
    world.rests[0]?.();
    await world.quiet();
    expect(world.states()).toEqual({ big: 'loaded', small: 'loaded' });
    world.processes[1]?.end(139);
    await world.quiet();
    expect(world.states()['small']).toBe('unloaded');
    world.waits.at(-1)?.pass();
    await world.quiet();
    expect(world.states()['small']).toBe('loaded');
  });

  it('loads two models at a time and the others after them', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    const world = await normalWorld(names.map((id) => ({ ...PRIMARY, id })));
    expect(world.processes.map((process) => process.modelId)).toEqual(names);
    expect(world.mostStarting).toBe(2);
  });

  it('starts a crashed engine again after waits that double', async () => {
    const world = await normalWorld();
    for (const [crash, waitMs] of [250, 500, 1000].entries()) {
      world.processes[crash]?.end(139);
      await world.quiet();
      expect(world.pool.get('big')).toBeUndefined();
      expect(world.waits.at(-1)?.ms).toBe(waitMs);
      world.waits.at(-1)?.pass();
      await world.quiet();
      expect(world.states()['big']).toBe('loaded');
    }
  });

  it('says why a model is refused, and refuses calls for it as unavailable', async () => {
    const world = new World();
    world.startFailure = new MeshError('unavailable', 'artifact big-weights differs from the lock', {
      facts: { finding: 'DIGEST_MISMATCH' },
    });
    await world.become(state('normal'));
    expect(world.pool.facts()[0]).toMatchObject({ state: 'refused', because: 'artifact big-weights differs from the lock' });
    await expect(world.pool.demand('big', NEVER)).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 250 });
  });

  it('tells a missing file from a wrong one, and loads the model once the file is there', async () => {
    const world = new World();
    world.startFailure = new MeshError('unavailable', 'no such file', { facts: { finding: 'ARTIFACT_MISSING' } });
    await world.become(state('normal'));
    expect(world.states()['big']).toBe('missing');
    world.startFailure = undefined;
    world.waits.at(-1)?.pass();
    await world.quiet();
    expect(world.states()['big']).toBe('loaded');
  });

  it('ends the process of a model with a refused artifact', async () => {
    const world = await normalWorld();
    await world.become(state('normal', { refusedArtifacts: ['big-weights'] }));
    expect(world.processes[0]?.killed).toBe(true);
    expect(world.pool.facts()[0]?.because).toBe('artifact big-weights is refused');
  });
});

describe('when the lock in force changes', () => {
  const changes = async (world: World) => {
    world.fileLock = NEXT_LOCK;
    await world.become(state('normal', { lockDigest: NEXT_LOCK }));
  };

  it('goes on with a process that has verified that the new lock covers it', async () => {
    const world = await normalWorld();
    await changes(world);
    expect(world.processes.map((process) => process.killed)).toEqual([false]);
    expect(world.pool.get('big')?.lockDigest).toBe(NEXT_LOCK);
  });

  it('ends a process that it does not cover, and loads the model again under the new lock', async () => {
    const world = await normalWorld();
    for (const process of world.processes) process.covered = false;
    await changes(world);
    expect(world.processes.map((process) => process.killed)).toEqual([true, false]);
    expect(world.pool.get('big')?.lockDigest).toBe(NEXT_LOCK);
  });

  it('ends one whose model is not wanted any more, or otherwise', async () => {
    const models = [PRIMARY, FALLBACK];
    const world = await normalWorld(models);
    models[0] = { ...PRIMARY, work: { concurrency: 2 } };
    await changes(world);
    expect(world.processes.map((process) => process.killed)).toEqual([true, false]);
  });

  it('restarts one that it goes on with, when that crashes, under the new lock', async () => {
    const world = await normalWorld();
    await changes(world);
    world.processes[0]?.end(3);
    await world.quiet();
    world.waits.at(-1)?.pass();
    await world.quiet();
    expect(world.pool.get('big')).toBe(world.processes[1]);
    expect(world.pool.get('big')?.lockDigest).toBe(NEXT_LOCK);
  });

  it('ends at once what is halted, or refused, before its files are there', async () => {
    for (const worse of [state('halted'), state('normal', { lockDigest: NEXT_LOCK, refusedArtifacts: ['big-weights'] })]) {
      const world = await normalWorld();
      await world.become(state('normal', { lockDigest: NEXT_LOCK }));
      expect(world.processes[0]?.killed).toBe(false);
      await world.become(worse);
      expect(world.processes[0]?.killed).toBe(true);
    }
  });

  it('serves nothing until the files of this host are those of the new lock', async () => {
    const world = await normalWorld();
    await world.become(state('normal', { lockDigest: NEXT_LOCK }));
    expect(world.pool.get('big')).toBeUndefined();
    expect(world.pool.pack).toBeUndefined();
    await expect(world.pool.demand('big', NEVER)).rejects.toMatchObject({ code: 'unavailable' });
    world.fileLock = NEXT_LOCK;
    world.waits.at(-1)?.pass();
    await world.quiet();
    expect(world.pool.get('big')?.lockDigest).toBe(NEXT_LOCK);
  });
});

describe('in fleet-wide safe mode', () => {
  it('starts no standby by itself', async () => {
    const world = await normalWorld();
    await world.become(state('safe'));
    world.rests[0]?.();
    await world.quiet();
    expect(world.states()).toEqual({ big: 'unloaded', small: 'unloaded' });
    await world.become(state('normal'));
    expect(world.states()['small']).toBe('loaded');
  });

  it('keeps verified fallback models alone, and loads one for a diagnostic call', async () => {
    const world = await normalWorld();
    await world.become(state('safe'));
    expect(world.processes[0]?.killed).toBe(true);
    await expect(world.pool.demand('big', NEVER)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await world.pool.demand('small', NEVER)).modelId).toBe('small');
  });
});

describe('when the lease of this instance has run out', () => {
  it('keeps what is loaded and starts nothing', async () => {
    const world = await normalWorld();
    await world.become(state('safe', { local: true }));
    expect(world.states()['big']).toBe('loaded');
    await expect(world.pool.demand('small', NEVER)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('when the mesh is halted', () => {
  it('ends every process and starts none', async () => {
    const world = await normalWorld();
    await world.pool.demand('small', NEVER);
    await world.become(state('halted'));
    expect(world.processes.map((process) => process.killed)).toEqual([true, true]);
    await expect(world.pool.demand('small', NEVER)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('loads again after the release', async () => {
    const world = await normalWorld();
    await world.become(state('halted'));
    await world.become(state('normal'));
    expect(world.states()['big']).toBe('loaded');
  });
});

describe('when the service stops', () => {
  it('ends every process', async () => {
    const world = await normalWorld();
    world.pool.close();
    expect(world.processes[0]?.killed).toBe(true);
  });
});
