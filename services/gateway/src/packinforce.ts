import type { Platform } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';

export type KnownPack = { readonly kind: 'known'; readonly pack: Pack } | { readonly kind: 'unknown'; readonly error: MeshError };

/** The signed pack: read and verified anew whenever another lock is in force. */
export class PackInForce {
  readonly #platform: Pick<Platform, 'models' | 'guard'>;
  #of: { readonly lock: string | null; readonly pack: Promise<KnownPack> } | undefined;

  constructor(platform: Pick<Platform, 'models' | 'guard'>) {
    this.#platform = platform;
  }

  current(): Promise<KnownPack> {
    const lock = this.#platform.guard.current().lockDigest;
    if (this.#of?.lock !== lock) this.#of = { lock, pack: this.#read() };
    return this.#of.pack;
  }

  async #read(): Promise<KnownPack> {
    try {
      return { kind: 'known', pack: (await this.#platform.models.verify()).pack };
    } catch (cause) {
      // Asked for again by the next request.
      this.#of = undefined;
      const message = 'the residency policy of the model pack cannot be verified';
      return { kind: 'unknown', error: new MeshError('unavailable', message, { cause, retryAfterMs: 1_000 }) };
    }
  }
}
