import { type LockStatus, openStatus, type RoleTrust, roleTrust } from '@smartlite/trust';
import { verifierCalls, type VerifierCalls } from '@smartlite/client';
import { readTrust } from '../domain/files.ts';
import { findBus } from '../mesh/find.ts';
import { openBus } from '../mesh/stores/bus.ts';
import { discover } from '../mesh/stores/instances.ts';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';

/** A verifier that answers, and what its signatures are judged by. */
export interface FoundVerifier extends Disposable {
  readonly calls: VerifierCalls;
  readonly trust: RoleTrust;
}

/** Finds a verifier of the running mesh. Any of them takes orders: the control log decides, not the one who is asked. */
export async function findVerifier(place: Place): Promise<FoundVerifier> {
  const trust = await fleetTrust(place);
  await using bus = await openBus(await findBus(place));
  const verifiers = (await discover(bus)).filter(({ service, grpc }) => service === 'verifier' && grpc !== '');
  const [verifier] = verifiers;
  if (verifier === undefined)
    throw new Problem(
      'No verifier of the mesh answers.',
      'Without one every service refuses. npx smartlite status shows who is there.',
    );
  const calls = verifierCalls(verifier.grpc);
  return { calls, trust, [Symbol.dispose]: () => calls[Symbol.dispose]() };
}

/** What signatures of this fleet are judged by. */
export async function fleetTrust(place: Place): Promise<RoleTrust> {
  const document = await readTrust(place.trust);
  if (document) return roleTrust(document);
  throw new Problem(`${place.trust}: there is no trust document.`, 'npm start makes one, or name it with SMARTLITE_TRUST.', {
    exitCode: 2,
  });
}

/** The last lock status, its signature checked; undefined before the first. */
export async function lockStatus({ calls, trust }: FoundVerifier, nowMs: number): Promise<LockStatus | undefined> {
  const { signedStatus } = await calls.getStatus();
  return signedStatus.length === 0 ? undefined : openStatus(signedStatus, trust, nowMs).status;
}
