import { MeshError } from '@smartlite/contracts';
import { limitReached } from '../left.ts';

/** OpenAI's kinds of error, which stock clients know. */
function typeOf({ httpStatus }: MeshError): string {
  if (httpStatus === 401) return 'authentication_error';
  if (httpStatus === 403) return 'permission_error';
  if (httpStatus === 429) return 'rate_limit_error';
  return httpStatus < 500 ? 'invalid_request_error' : 'server_error';
}

/** Anything thrown, as our closed list: also what the HTTP library refuses by itself. */
export function failureOf(caught: unknown): MeshError {
  if (caught instanceof MeshError) return caught;
  const status = (caught as { statusCode?: unknown }).statusCode;
  const message = caught instanceof Error ? caught.message : '';
  if (status === 413) return new MeshError('payload-too-large', 'the body is larger than is taken here');
  if (status === 415 || status === 406)
    return new MeshError(
      'unsupported-media',
      'content-type: it is none that is taken here; JSON is application/json, audio audio/wav or the like',
    );
  if (typeof status === 'number' && status >= 400 && status < 500) return new MeshError('invalid-argument', message);
  return MeshError.from(caught);
}

/** Status, headers and body of a refusal: OpenAI's shape, our reason, and where no header can say it any more when to come again (s). */
export function refusalOf(error: MeshError) {
  const retryMs = error.retryAfterMs ?? (error.httpStatus === 503 ? 1_000 : undefined);
  const retry = retryMs === undefined ? undefined : Math.ceil(retryMs / 1_000);
  const headers: Record<string, string> = {
    ...(retry !== undefined && { 'retry-after': String(retry) }),
    ...(error.code === 'over-budget' && limitReached(error)),
  };
  const { facts, message, code, reason } = error;
  const body = {
    error: {
      ...facts,
      message,
      type: typeOf(error),
      code,
      param: null,
      reason,
      ...(retry !== undefined && { retry_after: retry }),
    },
  };
  return { status: error.httpStatus, headers, body };
}
