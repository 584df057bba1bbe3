export type { Caller } from './caller.ts';
export type { Clock, Ids } from './clock.ts';
export type { EngineArtifact, EngineHost, EngineModule, EngineOptions, EngineProcess, LoadedEngine } from './engine/host.ts';
export { controlStreamConfig } from './bus/controlstream.ts';
export { readStream, troubled } from './bus/readstream.ts';
export { breakerHints } from './discovery/hints.ts';
export { dueMs } from './due.ts';
export { afterPatience } from './patience.ts';
export { ModelPool, type PoolOptions, type PoolPlatform, type WantedModel } from './engine/pool.ts';
export { servedBy } from './engine/servedby.ts';
export { thisHost } from './lock/host.ts';
export type * from './platform.ts';
export { CountedRecord } from './trail/countedrecord.ts';
export { rateLimit, type RateLimit, REFUSALS_RECORDED } from './trail/ratelimit.ts';
export type { Door, DoorEntry } from './server/door.ts';
export {
  type Call,
  defineService,
  type Duplex,
  type Environment,
  type Implementation,
  implement,
  type MethodDefinition,
  type MethodFor,
  type Methods,
  type ModelFact,
  type RequestOf,
  type ResponseOf,
  type SafeModeRule,
  type Service,
  type ServiceDefinition,
  type ServiceFacts,
  type Streaming,
  type Unary,
  type Wired,
} from './service.ts';
export { defineSettings, meaningOf, type Settings, type SettingsOf } from './settings/define.ts';
export { SettingsError } from './settings/fault.ts';
export { traceFacts, traceServedBy } from './telemetry/tracefacts.ts';
export { apartFromRequest, inCommandSpan, outgoingTraceparent } from './telemetry/command.ts';
export { address, flag, path, wholeNumber } from './settings/schemas.ts';
