import type { Amounts } from './amounts.ts';
import type { Limit } from './limits.ts';

/** How much of a limit nobody has used or holds, at an entry. */
export interface LimitLeft {
  /** For example `user/llm_tokens/day`. */
  readonly limit: string;
  readonly limitValue: number;
  readonly left: number;
  readonly refillsMs: number;
}

/** What the fold says at an entry. */
export type Outcome =
  | {
      readonly kind: 'granted';
      readonly reservation: string;
      readonly amounts: Amounts;
      readonly notAfterMs: number;
      /** What each limit that the command took from leaves now. */
      readonly limits: readonly LimitLeft[];
    }
  | ({ readonly kind: 'refused'; readonly subject: string } & LimitLeft)
  | { readonly kind: 'settled'; readonly charged: Amounts; readonly freed: Amounts; readonly overrun: Amounts }
  | {
      readonly kind: 'limit-set';
      readonly limit: Limit;
      readonly previous: number | undefined;
      readonly order: string;
      readonly operator: string;
    }
  /** Of entries that nobody waits for the outcome of. */
  | { readonly kind: 'noted' }
  | { readonly kind: 'rejected'; readonly reason: Rejection };

export type Rejection =
  | 'unknown-reservation'
  | 'closed-reservation'
  | 'older-boot'
  | 'replayed'
  | 'other-incarnation'
  | 'recovering'
  | 'sum-too-large'
  | 'order-unproven'
  | 'order-late'
  | 'order-used';

export function rejected(reason: Rejection): Outcome {
  return { kind: 'rejected', reason };
}

export const NOTED: Outcome = { kind: 'noted' };
