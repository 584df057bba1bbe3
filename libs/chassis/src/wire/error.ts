import { Metadata, status } from '@grpc/grpc-js';
import { Any, type Code, codeOfReason, ErrorInfo, MeshError, Status } from '@smartlite/contracts';

/** Where gRPC implementations look for a status with details (google.rpc.Status). */
const DETAILS_KEY = 'grpc-status-details-bin';
const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
/** Domain of our reasons, as ErrorInfo asks for. */
const DOMAIN = 'smartlite';
/** ErrorInfo's metadata is the one place for facts on the wire, so the waiting time travels there too. */
const RETRY_AFTER_FACT = 'retryAfterMs';

/** A failure as gRPC carries it. */
export interface WireError {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Puts a failure on the wire: status, message and google.rpc.ErrorInfo. The cause stays here. */
export function wireError(error: MeshError): WireError {
  const code = status[error.grpcStatus];
  const facts =
    error.retryAfterMs === undefined ? error.facts : { ...error.facts, [RETRY_AFTER_FACT]: String(error.retryAfterMs) };
  const info = ErrorInfo.encode({ reason: error.reason, domain: DOMAIN, metadata: { ...facts } }).finish();
  const details = [Any.fromPartial({ typeUrl: ERROR_INFO_TYPE, value: Buffer.from(info) })];
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode({ code, message: error.message, details }).finish()));
  return { code, details: error.message, metadata };
}

/** The failure behind what gRPC threw. What carries no reason of ours comes from the transport and is told by its status. */
export function meshError(caught: unknown): MeshError {
  if (caught instanceof MeshError) return caught;
  if (!isWireError(caught)) return MeshError.from(caught);
  const info = errorInfo(caught.metadata);
  const code = info && codeOfReason(info.reason);
  if (!info || !code) return new MeshError(codeOfStatus(caught.code), transportMessage(caught), { cause: caught });
  const { [RETRY_AFTER_FACT]: retryAfter, ...facts } = info.metadata;
  const retryAfterMs = retryAfter === undefined ? undefined : Number(retryAfter);
  return new MeshError(code, caught.details, {
    cause: caught,
    facts,
    ...(Number.isFinite(retryAfterMs) && { retryAfterMs: retryAfterMs as number }),
  });
}

function isWireError(caught: unknown): caught is WireError {
  return (
    caught instanceof Error && 'code' in caught && typeof caught.code === 'number' && 'metadata' in caught && 'details' in caught
  );
}

// Comes from another process: it may be anything.
function errorInfo(metadata: unknown): ErrorInfo | undefined {
  try {
    const bytes = metadata instanceof Metadata ? metadata.get(DETAILS_KEY)[0] : undefined;
    if (!(bytes instanceof Uint8Array)) return undefined;
    const any = Status.decode(bytes).details.find((detail) => detail.typeUrl === ERROR_INFO_TYPE);
    const info = any && ErrorInfo.decode(any.value);
    return info?.domain === DOMAIN ? info : undefined;
  } catch {
    return undefined;
  }
}

const BY_STATUS: Readonly<Partial<Record<status, Code>>> = {
  [status.CANCELLED]: 'cancelled',
  [status.INVALID_ARGUMENT]: 'invalid-argument',
  [status.DEADLINE_EXCEEDED]: 'deadline-exceeded',
  [status.NOT_FOUND]: 'not-found',
  [status.PERMISSION_DENIED]: 'permission-denied',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.UNAVAILABLE]: 'unavailable',
  // Our own servers always say which limit; without a reason it is gRPC's limit on a message's size.
  [status.RESOURCE_EXHAUSTED]: 'payload-too-large',
};

function codeOfStatus(code: status): Code {
  return BY_STATUS[code] ?? 'internal';
}

const TRANSPORT_MESSAGES: Readonly<Partial<Record<Code, string>>> = {
  unavailable: 'the instance cannot be reached',
  'deadline-exceeded': 'the deadline passed before the answer came',
  cancelled: 'the call was cancelled',
  'payload-too-large': 'the message is larger than the mesh carries',
};

function transportMessage({ code }: WireError): string {
  return TRANSPORT_MESSAGES[codeOfStatus(code)] ?? `the call failed with gRPC status ${status[code] ?? code}`;
}
