import type { Platform } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';

export type KnownPolicy =
  | { readonly kind: 'known'; readonly policy: Pack['residency_policy'] }
  | { readonly kind: 'unknown'; readonly error: MeshError };

/** The signed pack's residency policy: read and verified anew whenever another lock is in force. */
export class Policies {
  readonly #platform: Pick<Platform, 'models' | 'guard'>;
  #of: { readonly lock: string | null; readonly policy: Promise<KnownPolicy> } | undefined;

  constructor(platform: Pick<Platform, 'models' | 'guard'>) {
    this.#platform = platform;
  }

  current(): Promise<KnownPolicy> {
    const lock = this.#platform.guard.current().lockDigest;
    if (this.#of?.lock !== lock) this.#of = { lock, policy: this.#read() };
    return this.#of.policy;
  }

  async #read(): Promise<KnownPolicy> {
    try {
      const { pack } = await this.#platform.models.verify();
      return { kind: 'known', policy: pack.residency_policy };
    } catch (cause) {
      // Asked for again by the next request.
      this.#of = undefined;
      return {
        kind: 'unknown',
        error: new MeshError('unavailable', 'the residency policy cannot be verified', { cause, retryAfterMs: 1_000 }),
      };
    }
  }
}
