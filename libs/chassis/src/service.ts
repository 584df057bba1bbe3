import type { ServiceName } from '@smartlite/contracts';
import type { Caller } from './caller.ts';
import type { Platform } from './platform.ts';

/** Variables of the process environment, as given. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What one call knows of itself. */
export interface Call {
  /** Ends when the caller leaves, the deadline passes, the mode forbids the call, or the service stops. */
  readonly signal: AbortSignal;
  /** Wall clock, Unix milliseconds. */
  readonly deadlineUnixMs: number;
  readonly requestId: string;
  /** 32 hex digits of W3C trace context. */
  readonly traceId: string;
  readonly caller: Caller;
  /** Order of the lock status that permits this call, `generation.epoch.revision.beat`; empty where none is needed. */
  readonly statusOrder: string;
  /** Sends something along at the answer's end: gRPC trailing metadata, or what a door makes of it. ASCII. */
  readonly trailer?: (name: string, value: string) => void;
  /** Whether anything of the answer has left for the caller; absent where nobody knows. */
  readonly hasBegun?: () => boolean;
}

/**
 * What a method does while trust in the artifacts cannot be shown. There is no default.
 * `serve`: runs in every mode. `refuse`: runs in normal mode only. `diagnose`: normal, and for operators in fleet-wide safe mode.
 */
export type SafeModeRule = 'serve' | 'refuse' | 'diagnose';

export interface Unary<Q, A> {
  readonly inSafeMode: SafeModeRule;
  readonly handle: (request: Q, call: Call) => Promise<A>;
}

export interface Streaming<Q, A> {
  readonly inSafeMode: SafeModeRule;
  readonly handle: (request: Q, call: Call) => AsyncIterable<A>;
}

export interface Duplex<Q, A> {
  readonly inSafeMode: SafeModeRule;
  readonly handle: (requests: AsyncIterable<Q>, call: Call) => AsyncIterable<A>;
}

/** One method as ts-proto describes it. */
export interface MethodDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}
export type ServiceDefinition = Readonly<Record<string, MethodDefinition>>;

export type RequestOf<D extends MethodDefinition> = ReturnType<D['requestDeserialize']>;
export type ResponseOf<D extends MethodDefinition> = ReturnType<D['responseDeserialize']>;

/** The method that a definition asks for. Client streaming is not used by any contract of ours. */
export type MethodFor<D extends MethodDefinition> = D['requestStream'] extends true
  ? Duplex<RequestOf<D>, ResponseOf<D>>
  : D['responseStream'] extends true
    ? Streaming<RequestOf<D>, ResponseOf<D>>
    : Unary<RequestOf<D>, ResponseOf<D>>;

export type Methods<D extends ServiceDefinition> = { readonly [M in keyof D]: MethodFor<D[M]> };

/** A gRPC service and its methods, made by `implement`. */
export interface Implementation {
  readonly definition: ServiceDefinition;
  readonly methods: Readonly<Record<string, Unary<never, unknown> | Streaming<never, unknown> | Duplex<never, unknown>>>;
}

/** Pairs a generated service definition with its methods; the types of both must agree. */
export function implement<D extends ServiceDefinition>(definition: D, methods: Methods<D>): Implementation {
  return { definition, methods: methods as unknown as Implementation['methods'] };
}

/** What a service gives the chassis to run. */
export interface Wired {
  readonly grpc: readonly Implementation[];
  /** Facts for the mesh's status and for discovery, for example queue depth and loaded models. Cheap; called every second. */
  readonly facts?: () => ServiceFacts;
  /** After the listeners are up and before the service reports healthy. May take long; ends with the signal. */
  readonly start?: (signal: AbortSignal) => Promise<void>;
  /** After the last call has ended. */
  readonly close?: () => Promise<void>;
}

export interface ServiceFacts {
  readonly inflight: number;
  readonly queued: number;
  readonly models: readonly ModelFact[];
  /** Says why, when the service cannot serve although its mode permits it. */
  readonly notReady?: string;
  /** More for the service's discovery metadata, for example the gateway's HTTP address. */
  readonly addresses?: Readonly<Record<string, string>>;
}

/** Closed: it is asked. Open: it is not. Half-open: it is being probed. */
export type BreakerState = 'closed' | 'half-open' | 'open';

export interface ModelFact {
  readonly id: string;
  readonly tier: string;
  readonly role: string;
  readonly state: 'loading' | 'loaded' | 'missing' | 'refused' | 'unloaded';
  /** Of the breaker that watches it; absent where none does. */
  readonly breaker?: BreakerState;
  readonly because?: string;
}

/** A service of the mesh: a name, its settings, and the one place where its parts are put together. */
export interface Service<Config> {
  readonly name: ServiceName;
  readonly config: (environment: Environment) => Config;
  /** Engine modules by the name that the pack uses. */
  readonly engines?: Readonly<Record<string, URL>>;
  readonly wire: (config: Config, platform: Platform) => Promise<Wired> | Wired;
}

export function defineService<Config>(service: Service<Config>): Service<Config> {
  return service;
}
