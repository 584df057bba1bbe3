import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  codeOfReason,
  ErrorInfo,
  type GetStatusResponse,
  MeshError,
  type OrderResponse,
  Status,
  VerifierServiceService,
  type VerifyResponse,
} from '@smartlite/contracts';

/** Longest wait for an answer; a full verification of large models takes its time. */
const DEADLINE_MS = 30_000;
const VERIFY_DEADLINE_MS = 600_000;
/** google.rpc.Status with details. */
const DETAILS_KEY = 'grpc-status-details-bin';

/** Calls to one verifier. All run in every mode. Failures are MeshErrors. */
export interface VerifierCalls extends Disposable {
  /** The last lock status, signed, and who has applied what. */
  getStatus(): Promise<GetStatusResponse>;
  /** A full verification that begins now. */
  verify(): Promise<VerifyResponse>;
  /** An operator's signed order; resolves when the control log holds it, with the mode that it led to. */
  order(signedOrder: Uint8Array): Promise<OrderResponse>;
}

/** Calls to the verifier at this address, `host:port` as discovery gives it. */
export function verifierCalls(address: string): VerifierCalls {
  const client = new Client(address, credentials.createInsecure());
  const { getStatus, verify, order } = VerifierServiceService;
  return {
    getStatus: () => call(client, getStatus, {}, DEADLINE_MS),
    verify: () => call(client, verify, {}, VERIFY_DEADLINE_MS),
    order: (signedOrder) => call(client, order, { signedOrder: Buffer.from(signedOrder) }, DEADLINE_MS),
    [Symbol.dispose]: () => client.close(),
  };
}

interface Unary<Q, A> {
  readonly path: string;
  readonly requestSerialize: (request: Q) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => A;
}

function call<Q, A>(client: Client, method: Unary<Q, A>, request: Q, timeoutMs: number): Promise<A> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (failure, answer) => (failure === null && answer !== undefined ? resolve(answer) : reject(meshErrorOf(failure))),
    );
  });
}

/** The failure behind what gRPC threw: by the reason on the wire, else as `unavailable`. */
function meshErrorOf(failure: ServiceError | null): MeshError {
  const bytes = failure?.metadata.get(DETAILS_KEY)[0];
  const detail = bytes instanceof Uint8Array ? Status.decode(bytes).details[0] : undefined;
  const code = detail === undefined ? undefined : codeOfReason(ErrorInfo.decode(detail.value).reason);
  if (failure === null || code === undefined)
    return new MeshError('unavailable', 'the verifier cannot be reached', { cause: failure });
  return new MeshError(code, failure.details, { cause: failure });
}
