import { SUBJECTS } from '@smartlite/contracts';
import { compareOrder, type GuardView, type LockStatus, openStatus, orderText, type RoleTrust } from '@smartlite/trust';
import type { NatsConnection } from 'nats';
import type { MeshGuard } from './guard.ts';

/** A lock status whose signature and order hold, and what the guard makes of all that it knows. */
export interface LockNews {
  readonly status: LockStatus;
  /** `generation.epoch.revision.beat` */
  readonly order: string;
  readonly view: GuardView;
}

/** Statuses from now on, in rising order; forged and replayed ones are passed over. */
export async function* followLock(
  nats: NatsConnection,
  trust: RoleTrust,
  guard: MeshGuard,
  signal?: AbortSignal,
): AsyncGenerator<LockNews> {
  const messages = nats.subscribe(SUBJECTS.lockStatus);
  const end = () => messages.unsubscribe();
  signal?.addEventListener('abort', end, { once: true });
  let last: LockStatus | undefined;
  try {
    for await (const { data } of messages) {
      const status = opened(data, trust);
      if (status === undefined || (last !== undefined && compareOrder(status, last) <= 0)) continue;
      last = status;
      yield { status, order: orderText(status), view: guard.current() };
    }
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

function opened(data: Uint8Array, trust: RoleTrust): LockStatus | undefined {
  try {
    return openStatus(data, trust, Date.now()).status;
  } catch {
    return undefined;
  }
}
