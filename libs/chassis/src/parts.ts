// The chassis' inner parts, for testkit and tests alone: services use `index.ts` and `run.ts`.
export { createBus } from './bus/bus.ts';
export { ensureStreams } from './bus/streams.ts';
export { startInstance } from './instance.ts';
export { modelFiles } from './modelfiles.ts';
export { createPeers, type RunningPeers } from './peers/peers.ts';
export { meshError, wireError } from './wire/error.ts';
export { NOBODY } from './wire/metadata.ts';
export { type Handle, type Incoming, type Layer, layered } from './server/handle.ts';
export { type LayerParts, standardLayers } from './server/layers.ts';
export { createDoor } from './server/door.ts';
export { openCall } from './server/opencall.ts';
export { type Route, routes } from './server/router.ts';
export { type GrpcServer, listenGrpc } from './server/server.ts';
export { baseSettings } from './settings/base.ts';
export { systemClock, systemIds } from './system.ts';
export { createMetrics } from './telemetry/metrics.ts';
