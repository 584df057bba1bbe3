import type { Call } from '@smartlite/chassis';
import type { Code, MeshError } from '@smartlite/contracts';
import type { Meter } from './meter.ts';

/** Endings that are the caller's own doing: the work was done as he asked for it. */
const CALLERS: ReadonlySet<Code> = new Set<Code>([
  'cancelled',
  'request-timeout',
  'invalid-argument',
  'payload-too-large',
  'unsupported-media',
  'unauthenticated',
  'permission-denied',
  'not-found',
  'conflict',
]);

/**
 * Books work that came to no good end. What has left for the caller is charged, as all that he has ended himself. Where he was refused and
 * has got nothing (`told`: something was handed on to him), nothing is: what was computed for him was ours to lose. A deadline is his, and
 * cost us the work, so it counts as a request.
 */
export function settleFailed(meter: Meter, { code }: MeshError, told: boolean, call: Pick<Call, 'hasBegun'>): Promise<void> {
  const sent = told && (call.hasBegun?.() ?? true);
  if (!sent && !CALLERS.has(code)) meter.forgo(code === 'deadline-exceeded' ? ['requests'] : []);
  return meter.settle();
}
