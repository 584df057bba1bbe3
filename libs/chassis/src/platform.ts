import type {
  AsrServiceService,
  AuditKind,
  AuditServiceService,
  BudgetServiceService,
  Events,
  EventType,
  MeshError,
  LlmServiceService,
  Mode,
  ServiceName,
  TtsServiceService,
  VerifierServiceService,
  VoiceServiceService,
} from '@smartlite/contracts';
import type { AnswerReceipt, Lock, Pack, RoleIdentity, TrustDocument, Verified } from '@smartlite/trust';
import type { JetStreamClient, JetStreamManager, NatsConnection } from 'nats';
import type { Counter, Gauge, Histogram } from 'prom-client';
import type { Caller } from './caller.ts';
import type { Clock, Ids } from './clock.ts';
import type { EngineHost } from './engine/host.ts';
import type { Door } from './server/door.ts';
import type { Call, MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from './service.ts';

/** Everything that a service gets from outside. Made once by the chassis, and by testkit's harness in tests. */
export interface Platform {
  readonly service: ServiceName;
  readonly instance: string;
  readonly region: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly bus: Bus;
  readonly trail: Trail;
  readonly guard: LockView;
  /** This instance's own key, certified for its name; renewed while the process runs, so ask each time. */
  readonly identity: () => RoleIdentity;
  readonly models: ModelFiles;
  readonly engines: EngineHost;
  readonly peers: Peers;
  readonly door: Door;
  /** Ends when the service stops. */
  readonly stopping: AbortSignal;
}

/** Structured log lines. The text is constant; values are attributes. No keys, audio or users' text. */
export interface Log {
  debug(text: string, attributes?: Readonly<Record<string, unknown>>): void;
  info(text: string, attributes?: Readonly<Record<string, unknown>>): void;
  warn(text: string, attributes?: Readonly<Record<string, unknown>>): void;
  error(text: string, attributes?: Readonly<Record<string, unknown>>): void;
}

/** prom-client metrics of this process, named `smartlite_<name>`. Asking twice for one name gives the same metric. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, labels: readonly string[], bucketsSeconds: readonly number[]): Histogram;
  /** The text that `/metrics` serves. */
  text(): Promise<string>;
}

/** NATS for services that own a stream, and typed events for all. `nats` is opened in `stores/` only. */
export interface Bus {
  readonly nats: NatsConnection;
  readonly jetstream: JetStreamClient;
  manager(): Promise<JetStreamManager>;
  publishEvent<T extends EventType>(type: T, data: Events[T]): void;
  alert(severity: 'warning' | 'critical', title: string, reasons: readonly string[]): void;
}

type AuditFacts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What an instance asserts of an answer that it gave. */
export type AnswerStatement = Pick<AnswerReceipt, 'request' | 'output' | 'stages'>;

/** The audit trail. `record` returns the entry's id at once; delivery is retried until the audit service has given its signed receipt. */
export interface Trail {
  record(kind: AuditKind, facts: AuditFacts, options?: { traceId?: string; actor?: string }): string;
  /**
   * The same, with a receipt for the caller: signed by this boot's key, naming the entry, which names the receipt. Until the entry is
   * logged it is a promise with a deadline.
   */
  attest(
    kind: AuditKind,
    facts: AuditFacts,
    statement: AnswerStatement,
    options: { traceId: string; actor: string },
  ): { readonly id: string; readonly receipt: string };
  /** Why nothing may be served that must be audited: entries have waited for their receipts for too long. */
  refusal?(): MeshError | undefined;
  /** Has this done before the trail ends with its process: whoever counts, writes what it has counted. */
  atEnd?(work: () => void): void;
}

/** The lock guard's view: the mode in force at this moment, lease included. */
export interface LockView {
  current(): LockState;
  /** Called after each change; returns how to stop listening. */
  onChange(listener: (state: LockState) => void): () => void;
  /** Signs and sends an alarm about bytes on this host. */
  alarm(alarm: { readonly artifact: string; readonly code: string; readonly message: string; readonly lockDigest: string }): void;
}

export interface LockState {
  readonly mode: Mode;
  /** True where the mode is this instance's own, for example a lease that ran out: not even diagnostic calls run then. */
  readonly local: boolean;
  readonly reasons: readonly string[];
  /** `generation.epoch.revision.beat`; empty before the first status. */
  readonly order: string;
  readonly epoch: number;
  readonly lockDigest: string | null;
  readonly lockSequence: number | null;
  /** Model id -> model id: whom a missing primary is replaced by. */
  readonly substitutions: Readonly<Record<string, string>>;
  /** Artifacts that may not be loaded now, by id. */
  readonly refusedArtifacts: readonly string[];
}

/** Lock and pack as they were read, and proven. */
export interface VerifiedFiles {
  readonly lock: Verified<Lock>;
  readonly lockDigest: string;
  readonly lockBytes: Uint8Array;
  readonly pack: Pack;
  readonly packBytes: Uint8Array;
}

/** The files that this process serves from. */
export interface ModelFiles {
  readonly trust: TrustDocument;
  readonly root: string;
  /** Reads and verifies lock and pack anew; throws trust's refusal. */
  verify(): Promise<VerifiedFiles>;
}

/** Options of a call to another service. Trace, deadline, caller and signal go along by themselves when `call` is given. */
export interface PeerOptions<Answer = unknown> {
  readonly call?: Call;
  readonly caller?: Caller;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Instances not to be asked, for example one that has just failed. */
  readonly avoid?: ReadonlySet<string>;
  /** Told which instance was chosen. */
  readonly onChosen?: (instance: string) => void;
  /**
   * An answer after which another instance may still take over from one that fails, for it gives all of it anew: a partial text, say.
   * Absent: nobody takes over after the first answer.
   */
  isPreliminary?(answer: Answer): boolean;
}

export type PeerMethod<D extends MethodDefinition> = D['requestStream'] extends true
  ? (requests: AsyncIterable<RequestOf<D>>, options: PeerOptions<ResponseOf<D>>) => AsyncIterable<ResponseOf<D>>
  : D['responseStream'] extends true
    ? (request: RequestOf<D>, options: PeerOptions<ResponseOf<D>>) => AsyncIterable<ResponseOf<D>>
    : (request: RequestOf<D>, options: PeerOptions<ResponseOf<D>>) => Promise<ResponseOf<D>>;

export type Peer<D extends ServiceDefinition> = { readonly [M in keyof D]: PeerMethod<D[M]> };

/** Other services, found by NATS micro discovery; the least loaded live instance in an allowed region is asked. */
export interface Peers {
  readonly asr: Peer<typeof AsrServiceService>;
  readonly llm: Peer<typeof LlmServiceService>;
  readonly tts: Peer<typeof TtsServiceService>;
  readonly budget: Peer<typeof BudgetServiceService>;
  readonly audit: Peer<typeof AuditServiceService>;
  readonly verifier: Peer<typeof VerifierServiceService>;
  readonly voice: Peer<typeof VoiceServiceService>;
  /** Live instances as discovery sees them. */
  instances(service?: ServiceName): readonly PeerInstance[];
}

export interface PeerInstance {
  readonly service: ServiceName;
  readonly instance: string;
  readonly region: string;
  readonly grpc: string;
  readonly metrics: string;
  readonly pid: number;
  readonly mode: Mode;
  readonly epochApplied: number;
  readonly inflight: number;
  readonly queued: number;
  readonly models: readonly string[];
  /** Models whose breaker is not closed, and why. */
  readonly breakers: readonly { readonly model: string; readonly state: 'half-open' | 'open'; readonly because: string }[];
  readonly addresses: Readonly<Record<string, string>>;
}
