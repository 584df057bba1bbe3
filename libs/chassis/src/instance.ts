import type { ServiceName } from '@smartlite/contracts';
import type { Log, Metrics, Platform } from './platform.ts';
import { announceInstance } from './announcing.ts';
import { type OpenBus, openBus, openTelemetry } from './bus/open.ts';
import { createBus } from './bus/bus.ts';
import { createEngineHost } from './engine/start.ts';
import { listenHealth } from './health/http.ts';
import { type Readiness, readiness } from './health/readiness.ts';
import { readIdentity } from './lock/identity.ts';
import { startLockGuard } from './lock/start.ts';
import { createLog } from './log.ts';
import { modelFiles } from './modelfiles.ts';
import { createPeers } from './peers/peers.ts';
import { createDoor } from './server/door.ts';
import { type GrpcServer, listenGrpc } from './server/server.ts';
import type { Environment, Service, Wired } from './service.ts';
import { baseSettings, type BaseSettings } from './settings/base.ts';
import { readTogether } from './settings/fault.ts';
import { Stack } from './stack.ts';
import { systemClock as clock, systemIds as ids } from './system.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { openTrail } from './trail/open.ts';

/** A running service. */
export interface Instance {
  readonly id: string;
  /** Where it listens: gRPC, metrics, and what the service adds. */
  addresses(): { readonly grpc: string; readonly metrics: string; readonly addresses: Readonly<Record<string, string>> };
  /** Resolves when everything is closed; rejects when stopping failed. */
  readonly stopped: Promise<void>;
}

/** Services that are given what callers say, and what is said to them. */
const SEES_DATA: ReadonlySet<ServiceName> = new Set(['asr', 'llm', 'tts']);

/** Longest that calls in flight are waited for. A voice turn lasts 60 s at most, but nobody waits that long for a stop. */
const DRAIN_MS = 10_000;
/** Longest that closing and flushing may take after that. */
const CLOSE_MS = 3_000;

/** What all steps of a start share. */
export interface Start {
  readonly id: string;
  readonly service: Service<unknown>;
  readonly base: BaseSettings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly stack: Stack;
  readonly stopping: AbortSignal;
}

/**
 * Starts in the order config, telemetry, bus, lock status, wire, listen, healthy; resolves when healthy. Each part is closed in
 * reverse when the signal ends, or at once when a later part cannot be started.
 */
export async function startInstance<Config>(
  service: Service<Config>,
  environment: Environment,
  stopping: AbortSignal,
): Promise<Instance> {
  const [base, config] = readTogether(
    () => baseSettings(environment),
    () => service.config(environment),
  );
  const id = base.instance ?? `${service.name}-${Buffer.from(ids.bytes(4)).toString('hex')}`;
  const log = createLog({ service: service.name, instance: id, level: base.logLevel });
  const stack = new Stack();
  const start = { id, service: service as Service<unknown>, base, log, metrics: createMetrics(service.name), stack, stopping };
  try {
    const platform = await openPlatform(start);
    const wired = await service.wire(config, platform);
    stack.add(() => wired.close?.());
    return await listen(start, platform, wired);
  } catch (caught) {
    await stack
      .close(AbortSignal.timeout(CLOSE_MS))
      .catch((error: unknown) => log.error('closing after a failed start failed, too', { error }));
    throw caught;
  }
}

/** Telemetry, bus and lock status, and what rests on them. The status is asked for, not waited on. */
async function openPlatform(start: Start): Promise<Platform> {
  const {
    id,
    service: { name, engines: modules = {} },
    base,
    log,
    metrics,
    stack,
    stopping,
  } = start;
  const telemetry = await openTelemetry(start);
  const models = await modelFiles(base, clock);
  const { nats, lockNats }: OpenBus = await openBus(start, telemetry);
  const trail = openTrail({
    service: name,
    instance: id,
    clock,
    ids,
    log,
    metrics,
    home: base.home,
    nats,
    trust: models.trust,
    identity: readIdentity(base.identity, name),
    graceMs: base.auditGraceMs,
  });
  stack.add((signal) => trail.stop(signal));
  const peers = createPeers({ nats, clock, ids });
  stack.add(() => peers.close());
  const guard = startLockGuard({
    service: name,
    instance: id,
    base,
    nats: lockNats,
    trust: models.trust,
    log,
    metrics,
    trail,
    peers,
  });
  stack.add(() => guard.stop());
  const engines = createEngineHost({ models, guard, log, engines: modules });
  stack.add(() => engines.close());
  const door = createDoor({ clock, ids, log, metrics, trail, guard });
  const mode = () => guard.current().mode;
  const bus = createBus({ nats, service: name, instance: id, clock, ids, mode, sign: (...notice) => guard.notice(...notice) });
  return {
    service: name,
    instance: id,
    region: base.region,
    door,
    clock,
    ids,
    log,
    metrics,
    bus,
    trail,
    guard,
    identity: () => guard.identity(),
    models,
    engines,
    peers,
    stopping,
  };
}

/** Opens the doors, lets the service start, and only then says healthy. */
async function listen(start: Start, platform: Platform, wired: Wired): Promise<Instance> {
  const { base, stack, stopping } = start;
  const { service, instance, region, guard, trail, log, metrics, bus } = platform;
  const grpc = await listenGrpc(base.grpcAddress, wired.grpc, {
    clock,
    ids,
    log,
    metrics,
    trail,
    guard,
    ...(SEES_DATA.has(service) && { region }),
  });
  stack.add(() => grpc.close());
  const ready = readiness({ service, guard, facts: wired.facts, tell: (serving) => grpc.setServing(serving) });
  const health = await listenHealth(base.metricsAddress, { metrics: () => metrics.text(), notReady: ready.notReady });
  stack.add(() => health.close());
  const announced = await announceInstance(
    bus.nats,
    { service, instance, region, grpc: grpc.address, metrics: health.address },
    {
      guard,
      facts: wired.facts,
      inflight: () => grpc.inflight,
      ready: () => ready.notReady() === undefined,
    },
  );
  await wired.start?.(stopping);
  ready.started();
  trail.record('service.started', { instance, region });
  log.info('the service is up', { grpc: grpc.address, metrics: health.address });
  return {
    id: instance,
    addresses: () => ({ grpc: grpc.address, metrics: health.address, addresses: wired.facts?.().addresses ?? {} }),
    stopped: whenAborted(stopping).then(() => stop({ platform, ready, announced, grpc, stack })),
  };
}

interface Running {
  readonly platform: Platform;
  readonly ready: Readiness;
  readonly announced: { stop(): Promise<void> };
  readonly grpc: GrpcServer;
  readonly stack: Stack;
}

/** Unhealthy, refuse new calls, wait for those in flight, end the rest as unavailable, close in reverse, flush telemetry. */
async function stop({ platform, ready, announced, grpc, stack }: Running): Promise<void> {
  platform.log.info('the service stops');
  ready.stopping();
  await announced.stop();
  await grpc.drain(AbortSignal.timeout(DRAIN_MS));
  platform.trail.record('service.stopped', { instance: platform.instance });
  await stack.close(AbortSignal.timeout(CLOSE_MS));
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
