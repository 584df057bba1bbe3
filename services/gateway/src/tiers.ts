import { type Platform, traceFacts } from '@smartlite/chassis';
import type { ServedBy } from '@smartlite/contracts';
import { type ChosenTier, chooseAnswer, chooseRecognition, DEVICES } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import type { PackInForce } from './packinforce.ts';

/** Which tier a request goes to, by the functions that `smartlite plan` uses as well. */
export class TierChoice {
  readonly #packs: Pick<PackInForce, 'current'>;
  readonly #guard: Pick<Platform['guard'], 'current'>;

  constructor(packs: Pick<PackInForce, 'current'>, guard: Pick<Platform['guard'], 'current'>) {
    this.#packs = packs;
    this.#guard = guard;
  }

  /** `latencyMs`: when the caller wants the final text, after the end of the speech; 0: whenever it comes. */
  async recognition(asked: string, latencyMs: number): Promise<ChosenTier> {
    return this.#chosen('asr', asked, ({ asr_pack: tiers }, mode) =>
      chooseRecognition(tiers, { asked, latencyMs, mode, devices: DEVICES }),
    );
  }

  async answer(asked: string, promptTokens: number, tokensLeft: bigint | undefined): Promise<ChosenTier> {
    return this.#chosen('llm', asked, ({ llm_tiers: tiers }, mode) =>
      chooseAnswer(tiers, { asked, promptTokens, tokensLeft, mode }),
    );
  }

  /** A service asked for no tier takes its default one, so a default without a reason is left to it: its pack may be newer. */
  async #chosen(stage: string, asked: string, choose: (pack: Pack, mode: string) => ChosenTier): Promise<ChosenTier> {
    const known = await this.#packs.current();
    if (known.kind === 'unknown') return { tier: asked, because: '' };
    const { tier, because } = choose(known.pack, this.#guard.current().mode);
    if (because === '') return { tier: asked, because };
    traceFacts({ [`smartlite.${stage}.tier`]: tier, [`smartlite.${stage}.because`]: because });
    return { tier, because };
  }
}

/** Who served, with the reason for the tier after that for the model. */
export function servedIn({ because }: ChosenTier, by: ServedBy | undefined): ServedBy | undefined {
  return by === undefined || because === '' ? by : { ...by, because: `${by.because}; ${because}` };
}
