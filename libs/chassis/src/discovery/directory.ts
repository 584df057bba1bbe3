import type { ServiceName } from '@smartlite/contracts';
import type { Clock } from '../clock.ts';
import type { PeerInstance } from '../platform.ts';
import type { Sighting } from './instancefacts.ts';

/** Instances are asked this often. */
export const PING_MS = 1_000;
/** Two missed answers and half a period for one that is late. */
const SILENCE_MS_MAX = 2.5 * PING_MS;

export interface KnownInstance extends PeerInstance {
  /** Healthy by its own word. */
  readonly ready: boolean;
}

interface Known {
  readonly instance: KnownInstance;
  readonly seenAtMs: number;
}

/** Who is alive, by their answers. Holds no connection and no timer. */
export class Directory {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An instance has answered. */
  see({ service, identity, load }: Sighting): void {
    const { instance, region, grpc, metrics, pid } = identity;
    const { models, breakers, addresses, mode, epochApplied, inflight, queued, ready } = load;
    this.#known.set(instance, {
      seenAtMs: this.#clock.monotonicMs(),
      instance: {
        service,
        instance,
        region,
        grpc,
        metrics,
        pid: Number(pid),
        models,
        breakers,
        addresses,
        mode,
        epochApplied,
        inflight,
        queued,
        ready,
      },
    });
    for (const listener of this.#listeners) listener();
  }

  /** It stops: what it has begun it ends, and anything new is given to others. */
  drain(instance: string): void {
    const known = this.#known.get(instance);
    if (known) this.#known.set(instance, { ...known, instance: { ...known.instance, ready: false } });
  }

  /** A connection to it broke: gone, until it answers again. */
  lose(instance: string): void {
    this.#known.delete(instance);
  }

  /** Who has answered lately, of one service or of all. */
  live(service?: ServiceName): readonly KnownInstance[] {
    const sinceMs = this.#clock.monotonicMs() - SILENCE_MS_MAX;
    for (const [id, { seenAtMs }] of this.#known) if (seenAtMs < sinceMs) this.#known.delete(id);
    const all = [...this.#known.values()].map((known) => known.instance);
    return service === undefined ? all : all.filter((instance) => instance.service === service);
  }

  /** Called after each sighting; returns how to stop listening. */
  onSeen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
