import type { ControlBody, FailureFact, LockStatus } from '@smartlite/trust';

/** What the node asks its shell to do, in this order. */
export type Act =
  /** Sign and send a lock status at once. */
  | { readonly kind: 'broadcast'; readonly status: LockStatus }
  /** Keep failures on disk until the log holds them. */
  | { readonly kind: 'journal'; readonly failures: readonly FailureFact[] }
  /** Sign and append to the control log, retried until it is there; entries keep their order. */
  | { readonly kind: 'append'; readonly body: ControlBody }
  /** Append what somebody else has signed, at its place among the own entries. */
  | { readonly kind: 'relay'; readonly bytes: Uint8Array }
  /** Keep the epoch on disk, before a campaign for it is sent. */
  | { readonly kind: 'mark'; readonly epoch: number }
  /** Read and verify every byte of the store; then call `finished`. */
  | { readonly kind: 'verify'; readonly verification: string }
  | { readonly kind: 'mode-changed'; readonly from: LockStatus['mode'] | 'starting'; readonly status: LockStatus }
  | { readonly kind: 'reign'; readonly epoch: number | null; readonly because: string };

export function append(body: ControlBody): Act {
  return { kind: 'append', body };
}
