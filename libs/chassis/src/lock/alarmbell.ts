import type { ServiceName } from '@smartlite/contracts';
import { alarmId, type RoleIdentity, type RoleTrust, signAlarm } from '@smartlite/trust';
import type { Clock } from '../clock.ts';
import type { LockView } from '../platform.ts';
import type { LockLink } from './link.ts';

/** An alarm that the control log has not taken is sent again after this long. */
const RETRY_MS = 500;
/** The same alarm again within this time is the same finding. The first is never held back. */
const REPEAT_MS = 60_000;

export type LockAlarm = Parameters<LockView['alarm']>[0];

export interface AlarmBellParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly store: string;
  readonly clock: Clock;
  readonly trust: RoleTrust;
  readonly identity: () => RoleIdentity;
  readonly link: LockLink;
  /** Carries an alarm to the verifier by another way than the bus. May fail. */
  readonly alsoRaise?: (alarm: Uint8Array) => Promise<unknown>;
}

/** Signs this instance's alarms and carries them to the control log, until it holds them or `ending` ends. */
export class AlarmBell {
  readonly #parts: AlarmBellParts;
  readonly #ending: AbortSignal;
  readonly #rungAtMs = new Map<string, number>();
  readonly #open = new Set<string>();

  constructor(parts: AlarmBellParts, ending: AbortSignal) {
    this.#parts = parts;
    this.#ending = ending;
  }

  /** Ids of all alarms of this process. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  /** Whether this finding has not been told of late; notes that it is now. */
  isNews({ artifact, code, lockDigest }: LockAlarm): boolean {
    const key = JSON.stringify([artifact, code, lockDigest]);
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - (this.#rungAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return false;
    this.#rungAtMs.set(key, nowMs);
    return true;
  }

  sign(alarm: LockAlarm, proof: readonly Uint8Array[]): { readonly id: string; readonly signed: Uint8Array } {
    const { service, instance, store, clock, trust, identity } = this.#parts;
    const signed = signAlarm(
      {
        service,
        instance,
        store,
        artifact: alarm.artifact,
        digest: null,
        code: alarm.code,
        message: alarm.message,
        lockDigest: alarm.lockDigest || null,
        raisedUnixMs: clock.nowMs(),
        ...(proof.length > 0 && { proof: proof.map((bytes) => Buffer.from(bytes).toString('base64')) }),
      },
      trust,
      identity(),
    );
    const id = alarmId(signed);
    this.#open.add(id);
    return { id, signed };
  }

  /** By every way there is. */
  ring(signed: Uint8Array): void {
    void this.carry(signed);
    this.#parts.alsoRaise?.(signed).catch(() => {
      // The control log is the way that counts, and is tried until it holds the alarm.
    });
  }

  /** Repeated until the control log has it. */
  async carry(signed: Uint8Array): Promise<void> {
    while (!this.#ending.aborted) {
      try {
        await this.#parts.link.raise(signed);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }
}
