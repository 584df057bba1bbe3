import { keyStage, type KeyStage, type SigningKey } from '@smartlite/trust';

const DAY_MS = 86_400_000;

/** What is to be told of the signing key. */
export type KeyNews =
  | { readonly kind: 'rotated'; readonly key: SigningKey }
  | {
      readonly kind: 'expiring';
      readonly key: SigningKey;
      readonly stage: Exclude<KeyStage, 'fresh'>;
      readonly daysLeft: number;
    };

/** Follows the key that signs, verification by verification. A key's age is told once a day, a new key once. */
export class KeyWatch {
  #known: SigningKey | undefined;
  #told = '';

  /** Takes the key of the lock that was just verified. The first one after a start is no rotation. */
  take(key: SigningKey, nowMs: number): readonly KeyNews[] {
    const rotated = this.#known !== undefined && this.#known.keyId !== key.keyId;
    this.#known = key;
    return [...(rotated ? [{ kind: 'rotated' as const, key }] : []), ...this.#age(key, nowMs)];
  }

  #age(key: SigningKey, nowMs: number): readonly KeyNews[] {
    const stage = keyStage(key, nowMs);
    const daysLeft = Math.max(0, Math.floor((key.toUnixMs - nowMs) / DAY_MS));
    const telling = `${key.keyId} ${stage} ${daysLeft}`;
    if (stage === 'fresh' || telling === this.#told) return [];
    this.#told = telling;
    return [{ kind: 'expiring', key, stage, daysLeft }];
  }
}
