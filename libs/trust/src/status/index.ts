export { type Ack, openAck, signAck, type SignedAck } from './ack.ts';
export { type Alarm, alarmId, openAlarm, signAlarm, type SignedAlarm, storeId } from './alarm.ts';
export {
  type AnswerReceipt,
  type AnswerStage,
  encodeAnswerReceipt,
  openAnswerReceipt,
  readAnswerReceipt,
  RECEIPT_DUE_MS,
  type SaltedPart,
  saltedHash,
  type UnprovenReceipt,
} from './answerreceipt.ts';
export { type BootKey, type BootStatement, openBootKey, signBootKey } from './bootkey.ts';
export { type BudgetOrder, budgetLimitSchema, openBudgetOrder, type SignedBudgetOrder, signBudgetOrder } from './budgetorder.ts';
export { signDetached, verifyDetached } from './detached.ts';
export { claimedKind, type MessageKind, type RoleIdentity, type RoleKey, type RoleTrust } from './envelope.ts';
export { EFFECTS, type Effect, type FailureFact, failureSchema, worst } from './failure.ts';
export {
  applyNonceReply,
  applyStatus,
  beginNonce,
  type GuardSelf,
  type GuardState,
  type Latch,
  latchAlarm,
  leaderNowMs,
  needsNonce,
  newGuard,
  type Outcome,
} from './guard.ts';
export { isFresh, leaderBoundMs, type LeaderLine } from './lease.ts';
export * from './limits.ts';
export { type GuardView, lockState, modeAt, type ModeView } from './mode.ts';
export { elapsedMs, type Moment, partedMs } from './moment.ts';
export {
  encodeNonceRequest,
  type NonceAnswer,
  type NonceReply,
  openNonceReply,
  parseNonceRequest,
  signNonceReply,
} from './nonce.ts';
export { type Notice, openNotice, type SignedNotice, signNotice } from './notice.ts';
export { openOrder, type Order, ORDER_LIFE_MAX_MS, orderId, type SignedOrder, signOrder } from './operator.ts';
export { compareOrder, orderText, type StatusOrder } from './order.ts';
export { TEXT_MAX } from './schema.ts';
export { openTrailTerm, signTrailTerm, type TrailTerm } from './trailterm.ts';
export { type LockStatus, openStatus, permits, type SignedStatus, signStatus } from './status.ts';
export { foldControl } from './control.ts';
export { type AdoptedLock, type ControlRules, type ControlState, emptyControl, type PassedVerification } from './controlstate.ts';
export { controlMode, demanded, whyNotReleasable } from './release.ts';
export { isLeader, isVacant, type Leader } from './election.ts';
export {
  type ConflictProof,
  type ControlBody,
  type ControlEntry,
  type ControlMessage,
  openControl,
  type Placed,
  proveConflict,
  signEntry,
} from './entry.ts';
export { type FailureRecord, isOpen, needsOperator, OPERATOR_STORE } from './failurerecord.ts';
export { roleIdentity } from './identity.ts';
export { roleTrust } from './roletrust.ts';
export { type AuditReceipt, openReceipt, RECEIPT_ENTRIES_MAX, signReceipt } from './receipt.ts';
export { signTrailEntry, unsignedEntry, verifyTrailEntry } from './trailentry.ts';
