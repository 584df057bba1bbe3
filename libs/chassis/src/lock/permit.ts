import { MeshError } from '@smartlite/contracts';
import type { Caller } from '../caller.ts';
import type { LockState } from '../platform.ts';
import type { SafeModeRule } from '../service.ts';

/** When a refused call is worth another try: about the time that a start or a release takes. */
const RETRY_AFTER_MS = { starting: 500, safe: 2_000, halted: 10_000 } as const;

/**
 * Why a call may not run now; undefined when it may. `serve` runs always, `refuse` in normal mode only, `diagnose` also for
 * operators while the fleet is in safe mode. In an instance's own safe mode nothing is inferred, not even for them.
 */
export function refusal(rule: SafeModeRule, { mode, local, reasons }: LockState, caller: Caller): MeshError | undefined {
  if (rule === 'serve' || mode === 'normal') return undefined;
  const facts = { mode, ...(local && { local: 'true' }), ...(reasons[0] !== undefined && { because: reasons[0] }) };
  switch (mode) {
    case 'starting':
      return new MeshError('starting', 'this instance has no lock status yet', { facts, retryAfterMs: RETRY_AFTER_MS.starting });
    case 'halted':
      return new MeshError('halted', 'the fleet is halted; an operator must release it', {
        facts,
        retryAfterMs: RETRY_AFTER_MS.halted,
      });
    case 'safe':
      if (rule === 'diagnose' && caller.operator && !local) return undefined;
      return new MeshError('safe-mode', 'refused: trust in the models cannot be shown', {
        facts,
        retryAfterMs: RETRY_AFTER_MS.safe,
      });
  }
}
