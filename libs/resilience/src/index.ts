export { type Candidate, type Leg, obstacles, route, type RouteConditions } from './route.ts';
export { firstThatAnswers } from './fallback.ts';
