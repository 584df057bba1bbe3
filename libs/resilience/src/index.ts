export { type LatencyTarget, recognitionAllowedMs, speechAllowedMs } from './allowance.ts';
export type { BreakerState } from './breaker.ts';
export { type Course, courseOf } from './course.ts';
export { firstThatAnswers } from './fallback.ts';
export { type Errand, type LegContext, Relay, type RelayPorts } from './relay.ts';
export { type Candidate, type Leg, obstacles, route, type RouteConditions } from './route.ts';
