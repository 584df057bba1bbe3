import { type LockStatus, type Order, TEXT_MAX } from '@smartlite/trust';
import { Problem } from '../problem.ts';

/** An order is carried out at once or not at all; this covers a slow bus and clocks that differ a little. */
const ORDER_LIFE_MS = 5 * 60_000;

/** What an order is made with: whose fleet, now, and 16 random bytes as hex. */
export interface OrderGround {
  readonly fleet: string;
  readonly generation: number;
  readonly nowMs: number;
  readonly nonce: string;
  readonly reason: string;
}

/** Into safe or halted mode. Throws a Problem for a reason that is empty or too long. */
export function enterOrder(mode: 'safe' | 'halted', ground: OrderGround): Order {
  return { action: 'enter', mode, ...base(ground) };
}

/**
 * Out of what waits for an operator: binds the exact failures that are open now and the lock, so that it says nothing about later ones.
 * Throws a Problem where nothing waits for an operator.
 */
export function releaseOrder(status: LockStatus, ground: OrderGround): Order {
  const waiting = status.failures.filter(({ operator, effect }) => operator || effect === 'halted').map(({ id }) => id);
  if (waiting.length === 0) throw nothingToRelease(status);
  if (status.lockDigest === null || status.lockSequence === null)
    throw new Problem(
      'No lock has been verified yet that the fleet could be released to.',
      'Restore MODEL_LOCK.json or sign one, then release again.',
    );
  const { lockDigest, lockSequence } = status;
  return { action: 'release', failures: waiting, lockDigest, lockSequence, ...base(ground) };
}

function nothingToRelease({ mode, failures }: LockStatus): Problem {
  if (mode === 'normal')
    return new Problem('The fleet is in normal mode: there is nothing to release.', 'npx smartlite safe-mode status');
  const open = failures.map(({ code, artifact }) => `${code} ${artifact}`.trim()).join(', ');
  return new Problem(
    `Nothing waits for an operator; open: ${open || 'none'}.`,
    'Restore what differs: the fleet leaves safe mode by itself after a full verification and its time of rest.',
  );
}

function base({ fleet, generation, nowMs, nonce, reason }: OrderGround) {
  if (reason.trim() === '' || reason.length > TEXT_MAX)
    throw new Problem(
      `--reason: it has ${reason.length} characters; 1 to ${TEXT_MAX} can be kept in the trail.`,
      'Say why in a sentence or two.',
      { exitCode: 2 },
    );
  return { fleet, generation, reason, notAfterUnixMs: nowMs + ORDER_LIFE_MS, nonce };
}
