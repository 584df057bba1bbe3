import type { Clock, Ids } from '../clock.ts';
import type { LockView, Log, Metrics, Trail } from '../platform.ts';
import { admission } from './admission.ts';
import { deadline } from './deadline.ts';
import { errorFunnel } from './funnel.ts';
import { lockGuard } from './guard.ts';
import type { Layer } from './handle.ts';
import { idempotency } from './idempotency.ts';
import { residency } from './residency.ts';
import { tracing } from './trace.ts';

export interface LayerParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trail: Trail;
  readonly guard: LockView;
  /** Where this process runs, if it is one that sees a request's data: those of others' regions are refused. */
  readonly region?: string;
  /** Most calls under way at once in this process. */
  readonly inflightMax?: number;
}

/**
 * What every call passes, in this order. Trace is outermost so that refusals are seen; the guard precedes admission so that a
 * refused call costs nothing.
 */
export function standardLayers(parts: LayerParts): readonly Layer[] {
  return [
    tracing(parts),
    errorFunnel(parts),
    deadline(parts),
    lockGuard(parts),
    residency(parts),
    admission(parts),
    idempotency(parts),
  ];
}
