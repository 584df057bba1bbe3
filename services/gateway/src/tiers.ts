import { type Platform, traceFacts } from '@smartlite/chassis';
import { MeshError, type ServedBy } from '@smartlite/contracts';
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

  /**
   * Throws `invalid-argument`, with the names there are, for an LLM tier that the pack does not have. The language model would say so
   * too, but only after somebody has spoken, and been charged for it.
   */
  async requireAnswer(asked: string): Promise<void> {
    const known = asked === '' ? undefined : await this.#packs.current();
    if (known?.kind !== 'known' || Object.hasOwn(known.pack.llm_tiers.tiers, asked)) return;
    const [name, names] = [JSON.stringify(asked.slice(0, 40)), Object.keys(known.pack.llm_tiers.tiers).join(', ')];
    throw new MeshError('invalid-argument', `tier: there is no LLM tier ${name}; give one of ${names}`);
  }

  /** A service asked for no tier takes its default one, so a default without a reason is left to it: its pack may be newer. */
  async #chosen(stage: string, asked: string, choose: (pack: Pack, mode: string) => ChosenTier): Promise<ChosenTier> {
    const known = await this.#packs.current();
    if (known.kind === 'unknown') return { tier: asked, because: '' };
    const { tier, because } = choose(known.pack, this.#guard.current().mode);
    if (because === '') return { tier: asked, because };
    traceFacts({ [`smartlite.${stage}_tier`]: tier, [`smartlite.${stage}_because`]: because });
    return { tier, because };
  }
}

/** Who served, with the reason for the tier after that for the model. */
export function servedIn({ because }: ChosenTier, by: ServedBy | undefined): ServedBy | undefined {
  return by === undefined || because === '' ? by : { ...by, because: `${by.because}; ${because}` };
}
