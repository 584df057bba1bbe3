import { type AppliedFact } from '../../mode/applied.ts';
import { verifierCalls } from '@smartlite/client';

/** Who has applied what, by a verifier's word; empty where no verifier answers. */
export async function readApplied(grpc: string | undefined): Promise<readonly AppliedFact[]> {
  if (grpc === undefined || grpc === '') return [];
  using verifier = verifierCalls(grpc);
  try {
    const { applied } = await verifier.getStatus();
    return applied.map(({ instance, mode, epoch, revision, delayMs }) => ({
      instance,
      mode,
      epoch: Number(epoch),
      revision: Number(revision),
      delayMs: delayMs < 0 ? null : delayMs,
    }));
  } catch {
    return []; // A status must be told although the verifier is away.
  }
}
