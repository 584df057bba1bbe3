import type { ServiceName } from '@smartlite/contracts';
import { type GuardState, type RoleIdentity, type RoleTrust, signAck } from '@smartlite/trust';
import type { Clock } from '../clock.ts';
import type { LockState, Log } from '../platform.ts';
import type { LockLink } from './link.ts';

/** Acks go out on each change, and this often although nothing changes. */
const EVERY_MS = 10_000;
/** Open alarms that an ack names at most. */
const ALARMS_NAMED_MAX = 64;

export interface AckerParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly region: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly trust: RoleTrust;
  readonly identity: () => RoleIdentity;
  readonly link: LockLink;
}

/** Reports what this instance has applied. Acks never make anything permissible. */
export class Acker {
  readonly #parts: AckerParts;
  #sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: AckerParts) {
    this.#parts = parts;
  }

  /** Whether the regular ack is due. */
  get due(): boolean {
    return this.#parts.clock.monotonicMs() - this.#sentAtMs >= EVERY_MS;
  }

  /** `held`: the signed status that outranks the one offered. To be called after the gate is shut. */
  send({ mode }: LockState, { applied, latches }: GuardState, openAlarms: ReadonlySet<string>, held?: Uint8Array): void {
    const { service, instance, region, clock, trust, identity, link, log } = this.#parts;
    this.#sentAtMs = clock.monotonicMs();
    const status = applied?.status;
    const ack = {
      service,
      instance,
      region,
      mode,
      generation: trust.generation,
      epoch: status?.epoch ?? 0,
      revision: status?.revision ?? 0,
      beat: status?.beat ?? 0,
      lockDigest: status?.lockDigest ?? null,
      appliedUnixMs: Math.floor(clock.nowMs()),
      openAlarms: [...openAlarms].filter((id) => latches.has(id)).slice(-ALARMS_NAMED_MAX),
      ...(held && { held: Buffer.from(held).toString('base64') }),
    };
    try {
      link.acknowledge(signAck(ack, trust, identity()));
    } catch (error) {
      log.warn('an ack could not be sent', { error });
    }
  }
}
