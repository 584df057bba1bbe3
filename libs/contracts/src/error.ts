/**
 * The closed list of failures that cross a service's boundary. Each has one gRPC status, one HTTP status, and an answer to
 * "may the caller try again". The wire carries the code in capitals as google.rpc.ErrorInfo's reason.
 */
const FAILURES = {
  'invalid-argument': { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  unauthenticated: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false },
  'permission-denied': { grpc: 'PERMISSION_DENIED', http: 403, retryable: false },
  'not-found': { grpc: 'NOT_FOUND', http: 404, retryable: false },
  'payload-too-large': { grpc: 'OUT_OF_RANGE', http: 413, retryable: false },
  'unsupported-media': { grpc: 'INVALID_ARGUMENT', http: 415, retryable: false },
  'over-budget': { grpc: 'RESOURCE_EXHAUSTED', http: 429, retryable: false },
  'no-compliant-region': { grpc: 'FAILED_PRECONDITION', http: 451, retryable: false },
  'request-timeout': { grpc: 'DEADLINE_EXCEEDED', http: 408, retryable: false },
  conflict: { grpc: 'ABORTED', http: 409, retryable: false },
  cancelled: { grpc: 'CANCELLED', http: 499, retryable: false },
  'deadline-exceeded': { grpc: 'DEADLINE_EXCEEDED', http: 504, retryable: false },
  'safe-mode': { grpc: 'FAILED_PRECONDITION', http: 503, retryable: false },
  halted: { grpc: 'FAILED_PRECONDITION', http: 503, retryable: false },
  starting: { grpc: 'UNAVAILABLE', http: 503, retryable: true },
  overloaded: { grpc: 'RESOURCE_EXHAUSTED', http: 503, retryable: true },
  unavailable: { grpc: 'UNAVAILABLE', http: 503, retryable: true },
  'budget-unavailable': { grpc: 'UNAVAILABLE', http: 503, retryable: true },
  'audit-unavailable': { grpc: 'UNAVAILABLE', http: 503, retryable: true },
  internal: { grpc: 'INTERNAL', http: 500, retryable: false },
} as const;

export type Code = keyof typeof FAILURES;
export type GrpcStatusName = (typeof FAILURES)[Code]['grpc'];

export interface MeshErrorOptions {
  /** Stays in this process; never sent over the wire. */
  readonly cause?: unknown;
  /** Facts for the caller, for example which limit was reached. No secrets, no users' text. */
  readonly facts?: Readonly<Record<string, string>>;
  /** When it is worth trying again. */
  readonly retryAfterMs?: number;
}

/** A failure with a code from the closed list. `message` is safe to show to the caller. */
export class MeshError extends Error {
  override readonly name = 'MeshError';
  readonly code: Code;
  readonly facts: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, message: string, { cause, facts = {}, retryAfterMs }: MeshErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
    this.retryAfterMs = retryAfterMs;
  }

  get retryable(): boolean {
    return FAILURES[this.code].retryable;
  }

  get grpcStatus(): GrpcStatusName {
    return FAILURES[this.code].grpc;
  }

  get httpStatus(): number {
    return FAILURES[this.code].http;
  }

  /** The machine-readable reason, for example `SAFE_MODE`. */
  get reason(): string {
    return this.code.toUpperCase().replaceAll('-', '_');
  }

  /** Turns anything caught into a MeshError; what was caught stays in `cause`. */
  static from(caught: unknown): MeshError {
    if (caught instanceof MeshError) return caught;
    if (caught instanceof Error && caught.name === 'AbortError')
      return new MeshError('cancelled', 'the call was cancelled', { cause: caught });
    return new MeshError('internal', 'unexpected failure', { cause: caught });
  }
}

/** The code behind a wire reason; undefined for a reason that is not ours. */
export function codeOfReason(reason: string): Code | undefined {
  const code = reason.toLowerCase().replaceAll('_', '-');
  return Object.hasOwn(FAILURES, code) ? (code as Code) : undefined;
}

/** Every code, for tables and tests. */
export const CODES = Object.keys(FAILURES) as readonly Code[];
