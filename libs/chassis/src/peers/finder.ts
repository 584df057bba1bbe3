import type { Client } from '@grpc/grpc-js';
import { MeshError, type ServiceName } from '@smartlite/contracts';
import type { Clock, Ids } from '../clock.ts';
import { choose } from '../discovery/choose.ts';
import type { Directory, KnownInstance } from '../discovery/directory.ts';
import type { Channels } from './channels.ts';
import type { Conduct } from './conduct.ts';
import { reasonOf } from './reason.ts';

/** How long a call waits for the first instance of a service to appear: two rounds of discovery. */
const APPEAR_MS_MAX = 2_500;

export interface Search {
  /** Path of the method that is to be called. */
  readonly method: string;
  readonly regions: readonly string[];
  readonly avoid: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly deadlineUnixMs: number;
  /** Why the instance before could not serve; undefined at the first try. */
  readonly failure: MeshError | undefined;
}

/** Finds instances of one service and holds the connections to them. */
export interface Finder {
  find(search: Search): Promise<KnownInstance>;
  client(instance: KnownInstance): Client;
  /** A call begins; returns how to say that it is over. */
  begin(instance: string): () => void;
  /** The method's first answer came after so many milliseconds. */
  answered(instance: string, method: string, ms: number): void;
  /** The instance itself failed, or its connection did. */
  failed(instance: string): void;
  lose(instance: string): void;
}

export interface FinderParts {
  readonly service: ServiceName;
  readonly directory: Directory;
  readonly channels: Channels;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly underWay: Map<string, number>;
  readonly conduct: Conduct;
}

export function finderFor(parts: FinderParts): Finder {
  const { directory, channels, underWay, conduct, clock } = parts;
  return {
    find: (search) => find(search, parts),
    client: ({ instance, grpc }) => channels.to(instance, grpc),
    begin(instance) {
      underWay.set(instance, (underWay.get(instance) ?? 0) + 1);
      return () => {
        const left = (underWay.get(instance) ?? 1) - 1;
        if (left > 0) underWay.set(instance, left);
        else underWay.delete(instance);
      };
    },
    answered: (instance, method, ms) => conduct.answered(instance, method, ms, clock.monotonicMs()),
    failed: (instance) => conduct.failed(instance, clock.monotonicMs()),
    lose: (instance) => directory.lose(instance),
  };
}

async function find(search: Search, parts: FinderParts): Promise<KnownInstance> {
  const { directory, clock, service, conduct } = parts;
  const giveUpAtMs = Math.min(clock.nowMs() + APPEAR_MS_MAX, search.deadlineUnixMs);
  while (true) {
    if (search.signal.aborted) throw reasonOf(search.signal);
    const choice = choose(directory.live(service), {
      ...search,
      underWay: (instance) => parts.underWay.get(instance) ?? 0,
      latencyMs: (instance) => conduct.latencyMs(instance, search.method, clock.monotonicMs()),
      isEjected: (instance) => conduct.isEjected(instance, clock.monotonicMs()),
      chance: () => chance(parts.ids),
    });
    if (choice.kind === 'chosen') return choice.instance;
    if (choice.kind === 'no-compliant-region') {
      throw new MeshError('no-compliant-region', `no instance of ${service} runs in a region that may see this request`);
    }
    // All that live have been asked.
    if (search.failure) throw search.failure;
    const leftMs = giveUpAtMs - clock.nowMs();
    if (leftMs <= 0) throw new MeshError('unavailable', `no instance of ${service} is to be found`, { retryAfterMs: 1_000 });
    await nextSighting(directory, leftMs, search.signal);
  }
}

/** Resolves when any instance answers, the time is over, or the signal ends. */
function nextSighting(directory: Directory, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      unlisten();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, waitMs);
    const unlisten = directory.onSeen(finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}

function chance(ids: Ids): number {
  const [a = 0, b = 0, c = 0, d = 0] = ids.bytes(4);
  return ((a << 24) + (b << 16) + (c << 8) + d + 2 ** 31) / 2 ** 32;
}
