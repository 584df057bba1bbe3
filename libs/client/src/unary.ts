import { type Client, Metadata, type ServiceError } from '@grpc/grpc-js';
import { codeOfReason, ErrorInfo, MeshError, Status } from '@smartlite/contracts';

/** google.rpc.Status with details. */
const DETAILS_KEY = 'grpc-status-details-bin';

interface Unary<Q, A> {
  readonly path: string;
  readonly requestSerialize: (request: Q) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => A;
}

export interface UnaryOptions {
  readonly timeoutMs: number;
  /** Percent-encoded where a value is not ASCII. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One call to `service`, for the message of a failure. Failures are MeshErrors: by the reason on the wire, else `unavailable`. */
export function unary<Q, A>(
  client: Client,
  service: string,
  method: Unary<Q, A>,
  request: Q,
  { timeoutMs, metadata = {} }: UnaryOptions,
): Promise<A> {
  const head = new Metadata();
  for (const [key, value] of Object.entries(metadata)) head.set(key, value);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      head,
      { deadline: Date.now() + timeoutMs },
      (failure, answer) => (failure === null && answer !== undefined ? resolve(answer) : reject(meshErrorOf(failure, service))),
    );
  });
}

/** What a call threw, as a MeshError: by the reason on the wire, else `unavailable`. */
export function meshErrorOf(failure: ServiceError | null, service: string): MeshError {
  const bytes = failure?.metadata.get(DETAILS_KEY)[0];
  const detail = bytes instanceof Uint8Array ? Status.decode(bytes).details[0] : undefined;
  const code = detail === undefined ? undefined : codeOfReason(ErrorInfo.decode(detail.value).reason);
  if (failure === null || code === undefined)
    return new MeshError('unavailable', `the ${service} cannot be reached`, { cause: failure });
  return new MeshError(code, failure.details, { cause: failure });
}
