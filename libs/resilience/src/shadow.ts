/** Of the pack's `shadow_policy`. */
export interface ShadowPolicy {
  /** Share of answered requests of which a shadow gets a copy, 0 to 1. */
  readonly share: number;
  /** Only what was learned in the last so many seconds counts. */
  readonly window_s: number;
  /** Fewer comparisons say nothing. */
  readonly samples_min: number;
  /** Most mean disagreement of a shadow that may stand in, 0 to 1. */
  readonly disagreement_max: number;
}

/** Where a pack says nothing. */
export const SHADOW_POLICY: ShadowPolicy = { share: 0.1, window_s: 300, samples_min: 5, disagreement_max: 0.3 };

/** One copy that a shadow was given. */
export interface Comparison {
  /** Its time as a share of what it was allowed; undefined where nothing came of it. */
  readonly share: number | undefined;
  /** 0: it said the same; 1: it said something else altogether. */
  readonly disagreement: number;
}

/** What is known of a shadow: whether it may stand in for a primary. */
export type Merit = 'good' | 'bad' | 'unmeasured';

/** Ten tenths are not quite one. */
const ROUNDING = 1e-9;
/** A shadow that fails or is late more often than this may not stand in. */
const LATE_SHARE_MAX = 0.1;
/** Oldest comparisons are dropped beyond this. */
const COMPARISONS_MAX = 512;

/** The latest comparisons of one shadow. Numbers alone: no word and no sound is kept. Pure but for its memory. */
export class ShadowRecord {
  #comparisons: (Comparison & { readonly atMs: number })[] = [];

  add(comparison: Comparison, nowMs: number): void {
    this.#comparisons = [...this.#comparisons, { ...comparison, atMs: nowMs }].slice(-COMPARISONS_MAX);
  }

  /** Means over the window; undefined without any comparison in it. */
  summary(policy: ShadowPolicy, nowMs: number): { readonly disagreement: number; readonly lateShare: number } | undefined {
    const recent = this.#recent(policy, nowMs);
    if (recent.length === 0) return undefined;
    const late = recent.filter(({ share }) => share === undefined || share > 1).length;
    const disagreement = recent.reduce((sum, each) => sum + each.disagreement, 0) / recent.length;
    return { disagreement, lateShare: late / recent.length };
  }

  merit(policy: ShadowPolicy, nowMs: number): Merit {
    const summary = this.summary(policy, nowMs);
    if (summary === undefined || this.#recent(policy, nowMs).length < policy.samples_min) return 'unmeasured';
    return summary.disagreement <= policy.disagreement_max && summary.lateShare <= LATE_SHARE_MAX ? 'good' : 'bad';
  }

  #recent({ window_s: seconds }: ShadowPolicy, nowMs: number) {
    return this.#comparisons.filter(({ atMs }) => atMs > nowMs - seconds * 1_000);
  }
}

/**
 * A shadow's own allowance: a share of the answered requests, saved up to one copy, so that a quiet hour is not followed by a burst.
 */
export class ShadowAllowance {
  #saved = 0;

  /** One request was answered; true when a copy of it may be made. */
  spend(share: number): boolean {
    this.#saved = Math.min(1, this.#saved + share);
    if (this.#saved < 1 - ROUNDING) return false;
    this.#saved = 0;
    return true;
  }
}
