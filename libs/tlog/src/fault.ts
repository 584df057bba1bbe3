/** The closed list of what can be wrong with a log, a checkpoint or a proof. */
export const LOG_FAULTS = {
  NOTE_MALFORMED: 'bytes that are no signed note',
  CHECKPOINT_MALFORMED: 'a note whose text is no checkpoint',
  SIGNATURE_MISSING: 'no signature by the key that is trusted',
  SIGNATURE_INVALID: 'a signature that does not hold',
  ORIGIN_MISMATCH: 'a checkpoint of another log',
  KEY_MALFORMED: 'text that is no verifier key',
  PROOF_MALFORMED: 'bytes that are no proof',
  PROOF_INVALID: 'a proof that does not lead to the root',
  CHECKPOINT_MISSING: 'a log without a checkpoint',
  BUNDLE_MISSING: 'entries that the checkpoint covers are not there',
  BUNDLE_MALFORMED: 'a bundle that is not a sequence of entries',
  TILE_MISSING: 'hashes that the checkpoint covers are not there',
  TILE_MALFORMED: 'a tile of the wrong length',
  ENTRY_CHANGED: 'an entry that does not match its leaf hash',
  ENTRY_DROPPED: 'an entry that is gone; what follows has moved up',
  ENTRY_REORDERED: 'entries that have changed places',
  TILE_CHANGED: 'a hash that its own subtree contradicts',
  ROOT_MISMATCH: 'entries and tiles agree with each other, not with the checkpoint',
  TAIL_CUT: 'the log ends before its checkpoint says',
  ROLLED_BACK: 'a checkpoint older than one that was seen before',
  FORKED: 'two checkpoints of one log that no history can have in common',
} as const;
export type LogFaultCode = keyof typeof LOG_FAULTS;

/** What is wrong, and where: a file of the log, an entry's index, a line. */
export interface LogFinding {
  readonly code: LogFaultCode;
  readonly where: string;
  readonly message: string;
}

/** Thrown by what proves or throws. Its message says what and where; input that it speaks of may be an attacker's. */
export class LogFault extends Error {
  override readonly name = 'LogFault';
  readonly code: LogFaultCode;
  readonly where: string;

  constructor(code: LogFaultCode, where: string, message: string) {
    super(message);
    this.code = code;
    this.where = where;
  }

  get finding(): LogFinding {
    return { code: this.code, where: this.where, message: this.message };
  }
}
