import { type Limit, withLimit } from './limits.ts';

export interface PackLimits {
  readonly generation: number;
  readonly sequence: number;
  readonly limits: readonly Limit[];
}

export interface TermsDump {
  readonly pack: PackLimits;
  readonly set: readonly Limit[];
}

/** The limits in force: those of the newest pack, over which stand those that an operator has set, whatever pack comes. */
export class Terms {
  #pack: PackLimits;
  #set: readonly Limit[];
  #inForce: readonly Limit[] = [];

  constructor(pack: PackLimits, set: readonly Limit[] = []) {
    this.#pack = pack;
    this.#set = set;
    this.#renew();
  }

  dump(): TermsDump {
    return { pack: this.#pack, set: this.#set };
  }

  /** Of the trust document under which the limits were signed. */
  get generation(): number {
    return this.#pack.generation;
  }

  get inForce(): readonly Limit[] {
    return this.#inForce;
  }

  /** Takes the limits of a newer pack; returns whether it is one. */
  adopt(pack: PackLimits): boolean {
    if (!this.isNewer(pack)) return false;
    this.#pack = pack;
    this.#renew();
    return true;
  }

  isNewer({ generation, sequence }: Omit<PackLimits, 'limits'>): boolean {
    const { generation: known, sequence: knownSequence } = this.#pack;
    return generation > known || (generation === known && sequence > knownSequence);
  }

  /** Returns the limit that was in force before, if any. */
  set(limit: Limit): number | undefined {
    const { previous } = withLimit(this.#inForce, limit);
    this.#set = withLimit(this.#set, limit).limits;
    this.#renew();
    return previous;
  }

  #renew(): void {
    this.#inForce = this.#set.reduce((limits, limit) => withLimit(limits, limit).limits, this.#pack.limits);
  }
}
