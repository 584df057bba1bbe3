import { MeshError } from '@smartlite/contracts';

/** Why a signal ended, as a failure: whoever ended it with a MeshError knows best. */
export function reasonOf(signal: AbortSignal): MeshError {
  const reason: unknown = signal.reason;
  if (reason instanceof Error && reason.name === 'TimeoutError')
    return new MeshError('deadline-exceeded', 'the deadline passed', { cause: reason });
  return MeshError.from(reason);
}
