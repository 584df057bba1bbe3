import type { Candidate } from './route.ts';

/** What a tier would rather have its models compute on. */
export type Device = 'cpu' | 'gpu';

/** All that the engines of this release compute on. A tier's device is preferred, not demanded. */
export const DEVICES: ReadonlySet<Device> = new Set(['cpu']);

/** The tier that a request goes to. */
export interface ChosenTier {
  readonly tier: string;
  /** Why it is this one; empty where the caller named it, or where nothing spoke against the default. */
  readonly because: string;
}

interface Situation {
  /** Tier that the caller names; empty: whichever serves best. */
  readonly asked: string;
  /** In safe mode only fallbacks serve. */
  readonly mode: string;
}

export interface RecognitionWish extends Situation {
  /** The final text is wanted so many milliseconds after the speech; 0: no wish. */
  readonly latencyMs: number;
  readonly devices: ReadonlySet<Device>;
}

export interface AnswerWish extends Situation {
  readonly promptTokens: number;
  /** LLM tokens that the caller may still spend; undefined: nobody counts them, or nobody could say. */
  readonly tokensLeft: bigint | undefined;
}

interface Tiers<T> {
  readonly default_tier: string;
  readonly tiers: Readonly<Record<string, T>>;
}
interface RecognitionTier {
  readonly device: Device;
  readonly target_ms: number;
  readonly candidates: readonly Candidate[];
}
interface AnswerTier {
  readonly token_budget: { readonly answer: number };
  readonly served_by_tier?: string | undefined;
  readonly candidates: readonly Candidate[];
}

/**
 * The ASR tier of a request. Named: that one. Else the default, unless it aims at a later text than the caller wants: then, of those
 * that are in time, one whose device is there before the others, and of these the slowest, for it hears best. Pure.
 */
export function chooseRecognition(pack: Tiers<RecognitionTier>, wish: RecognitionWish): ChosenTier {
  const { asked, latencyMs, devices } = wish;
  if (asked !== '') return { tier: asked, because: '' };
  const { start, others } = serving(pack, Object.keys(pack.tiers), wish);
  const targetMs = (name: string) => pack.tiers[name]?.target_ms ?? 0;
  if (latencyMs === 0 || targetMs(start.tier) <= latencyMs) return start;
  const has = (name: string) => devices.has(pack.tiers[name]?.device ?? 'cpu');
  const bySpeed = others.toSorted((one, other) => targetMs(other) - targetMs(one));
  const inTime = bySpeed.filter((name) => targetMs(name) <= latencyMs);
  const tier = inTime.find(has) ?? inTime[0] ?? [start.tier, ...bySpeed].toSorted((a, b) => targetMs(a) - targetMs(b))[0] ?? '';
  const late = targetMs(tier) > latencyMs ? `, and no tier is sooner than ${targetMs(tier)} ms` : '';
  return because(tier, `${start.tier} aims at ${targetMs(start.tier)} ms, the caller at ${latencyMs}${late}`);
}

/**
 * The LLM tier of a request. Named: that one. Else the default, unless its longest answer would take more than the caller has left:
 * then the largest one that fits, or the smallest of all, which the budget may cut short or refuse. Pure.
 */
export function chooseAnswer(pack: Tiers<AnswerTier>, wish: AnswerWish): ChosenTier {
  const { asked, promptTokens, tokensLeft } = wish;
  if (asked !== '') return { tier: asked, because: '' };
  const bound = Object.entries(pack.tiers).flatMap(([name, { candidates }]) => (candidates.length > 0 ? [name] : []));
  const { start, others } = serving(pack, bound, wish);
  const answer = (name: string) => pack.tiers[name]?.token_budget.answer ?? 0;
  const need = promptTokens + answer(start.tier);
  if (tokensLeft === undefined || BigInt(need) <= tokensLeft) return start;
  const smaller = others
    .filter((name) => answer(name) < answer(start.tier))
    .toSorted((one, other) => answer(other) - answer(one));
  const tier = smaller.find((name) => BigInt(promptTokens + answer(name)) <= tokensLeft) ?? smaller.at(-1);
  if (tier === undefined) return start;
  return because(tier, `${start.tier} may take ${need} tokens, and the caller has ${tokensLeft} left`);
}

/** What is to be said of a tier that would rather be served on another device; empty where it is content. Pure. */
export function deviceNote(tier: string, device: Device, devices: ReadonlySet<Device> = DEVICES): string {
  return devices.has(device) ? '' : `tier ${tier} prefers a ${device} and is served on ${[...devices].join(', ')}`;
}

/** The default tier, or where safe mode leaves it nobody, the first that has a fallback; and the other tiers that could serve. */
function serving<T extends { readonly candidates: readonly Candidate[]; readonly served_by_tier?: string | undefined }>(
  { default_tier: usual, tiers }: Tiers<T>,
  names: readonly string[],
  { mode }: Situation,
): { readonly start: ChosenTier; readonly others: readonly string[] } {
  const boundTo = (name: string) => tiers[tiers[name]?.served_by_tier ?? name]?.candidates ?? [];
  const able = (name: string) => mode !== 'safe' || boundTo(name).some(({ role }) => role === 'fallback');
  const others = names.filter((name) => name !== usual && able(name));
  const [first, ...rest] = others;
  if (able(usual) || first === undefined) return { start: { tier: usual, because: '' }, others };
  return { start: because(first, `safe mode leaves fallbacks alone, and ${usual} has none`), others: rest };
}

function because(tier: string, reason: string): ChosenTier {
  return { tier, because: `tier ${tier} was chosen: ${reason}` };
}
