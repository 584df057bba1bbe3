import type {
  Caller,
  LockState,
  ModelFiles,
  Peer,
  PeerOptions,
  Peers,
  Platform,
  Service,
  ServiceDefinition,
  Wired,
} from '@smartlite/chassis';
import { createDoor, createMetrics, openCall, type Route, routes, standardLayers } from '@smartlite/chassis/parts';
import { MeshError, type ServiceName } from '@smartlite/contracts';
import type { RoleIdentity } from '@smartlite/trust';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { NatsConnection } from 'nats';
import { type MemoryBus, memoryBus } from './bus.ts';
import { type ManualClock, manualClock, seededIds } from './clock.ts';
import { type EngineScript, type MemoryEngines, memoryEngines } from './engines.ts';
import { type SettableGuard, settableGuard } from './guard.ts';
import { type MemoryTrail, memoryTrail } from './trail.ts';

export interface HarnessOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly instance?: string;
  readonly region?: string;
  readonly seed?: number;
  /** What is in force at the start; normal mode unless told. */
  readonly state?: Partial<LockState>;
  /** What `platform.models.verify` gives; without it, verifying fails. */
  readonly models?: ModelFiles;
  /** Of services that sign; without it, signing fails. */
  readonly identity?: RoleIdentity;
  /** Engines by model id, as functions. */
  readonly engines?: Readonly<Record<string, EngineScript>>;
  /** The other services, as far as the test needs them. */
  readonly peers?: { readonly [S in keyof Omit<Peers, 'instances'>]?: Partial<Peers[S]> } & {
    readonly instances?: Peers['instances'];
  };
  /** For services that own a stream. */
  readonly nats?: NatsConnection;
}

export interface Harness extends AsyncDisposable {
  readonly platform: Platform;
  readonly clock: ManualClock;
  readonly guard: SettableGuard;
  readonly bus: MemoryBus;
  readonly trail: MemoryTrail;
  readonly engines: MemoryEngines;
  readonly wired: Wired;
  /** Runs the service's `start`, as the chassis does after listening. */
  start(): Promise<void>;
  /** Calls the service through all layers, without a socket. */
  of<D extends ServiceDefinition>(definition: D): Peer<D>;
}

/** Who calls where the test does not say. */
export const ALICE: Caller = { user: 'alice', tenant: 'acme', regions: [], operator: false };
const TIMEOUT_MS = 60_000;

/** Runs one service in this process: no socket, no broker, time turned by hand. Its layers are those of production. */
export async function harness<Config>(service: Service<Config>, options: HarnessOptions = {}): Promise<Harness> {
  const clock = manualClock();
  const ids = seededIds(options.seed);
  const guard = settableGuard(options.state);
  const bus = memoryBus(options.nats);
  const trail = memoryTrail();
  const engines = memoryEngines(options.engines ?? {});
  const metrics = createMetrics(service.name, { process: false });
  const stopping = new AbortController();
  const silent = () => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const platform: Platform = {
    service: service.name,
    instance: options.instance ?? `${service.name}-test`,
    region: options.region ?? 'local',
    clock,
    ids,
    log,
    metrics,
    bus,
    trail,
    guard,
    identity() {
      if (options.identity) return options.identity;
      throw new Error('the harness was given no identity');
    },
    engines,
    models: options.models ?? noModels,
    peers: peersOf(options.peers ?? {}),
    stopping: stopping.signal,
    door: createDoor({ clock, ids, log, metrics, trail, guard }),
  };
  const wired = await service.wire(service.config(options.environment ?? {}), platform);
  const layers = standardLayers({ clock, ids, log, metrics, trail, guard });
  const implemented = new Map(wired.grpc.map((implementation) => [implementation.definition, routes(implementation, layers)]));
  return {
    platform,
    clock,
    guard,
    bus,
    trail,
    engines,
    wired,
    start: async () => wired.start?.(stopping.signal),
    of(definition) {
      const all = implemented.get(definition);
      if (!all) throw new Error(`${service.name} does not implement this service`);
      return callsTo(all, platform) as Peer<typeof definition>;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new MeshError('unavailable', 'the service stops'));
      await wired.close?.();
    },
  };
}

const noModels: ModelFiles = {
  get trust(): never {
    throw new Error('the harness was given no models');
  },
  root: '/nowhere',
  verify: () => Promise.reject(new MeshError('unavailable', 'the harness was given no models')),
};

function peersOf(given: NonNullable<HarnessOptions['peers']>): Peers {
  const absent = (name: string) =>
    new Proxy(
      {},
      {
        get: (_target, method) => () => {
          throw new MeshError('unavailable', `no instance of ${name} is to be found: the test gave no ${name}.${String(method)}`);
        },
      },
    );
  const names: readonly (ServiceName | 'voice')[] = ['asr', 'llm', 'tts', 'budget', 'audit', 'verifier', 'voice'];
  const peers = names.map((name) => [name, Object.setPrototypeOf({ ...given[name as 'asr'] }, absent(name))]);
  return { instances: () => [], ...given, ...Object.fromEntries(peers) } as Peers;
}

function callsTo(all: ReadonlyMap<string, Route>, platform: Platform) {
  return Object.fromEntries(
    [...all].map(([key, route]) => {
      const { requestStream, responseStream } = route.facts.definition;
      const answers = (request: unknown, options: PeerOptions = {}) =>
        route.handle(incomingFor(route, request, options, platform));
      return [
        key,
        requestStream || responseStream
          ? answers
          : async (request: unknown, options?: PeerOptions) => single(answers(request, options)),
      ];
    }),
  );
}

function incomingFor(
  route: Route,
  request: unknown,
  { caller, signal, timeoutMs = TIMEOUT_MS, call }: PeerOptions,
  { clock, ids }: Platform,
) {
  const incoming = openCall(
    {
      method: route.facts,
      request,
      parent: ROOT_CONTEXT,
      passport: { caller: caller ?? call?.caller ?? ALICE, requestId: call?.requestId ?? '', idempotencyKey: undefined },
      deadlineUnixMs: Math.min(clock.nowMs() + timeoutMs, call?.deadlineUnixMs ?? Number.POSITIVE_INFINITY),
    },
    { clock, ids },
  );
  signal?.addEventListener('abort', () => incoming.end(MeshError.from(signal.reason)), { once: true });
  return incoming;
}

async function single(answers: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new MeshError('internal', 'the method gave no answer');
}
