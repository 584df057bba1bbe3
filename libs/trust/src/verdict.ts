import { FINDING_CODES, type Finding, type FindingCode, type FindingGroup } from './finding.ts';
import type { Policy } from './lock.ts';

/** What the findings lead to. */
export interface Verdict {
  readonly mode: 'normal' | 'safe' | 'halted';
  /** Verify again at once; the outcome decides. */
  readonly revalidate: boolean;
  /** Missing models whose shadows take over, by model id. */
  readonly substitutions: Readonly<Record<string, string>>;
  readonly reasons: readonly string[];
}

/** Which model could take over from which, and whether it is verified itself. */
export interface Replaceable {
  readonly artifact: string;
  /** Models that need the artifact -> verified shadow of each; null where there is none. */
  readonly models: Readonly<Record<string, string | null>>;
}

const RANK = { normal: 0, safe: 1, halted: 2 } as const;

/**
 * The fleet's mode that follows from all findings of a full verification, by the table of the policy's makers: mismatch -> safe,
 * invalid signature -> halted, missing model -> its verified shadow, expired -> verify again. Each flag does what it says when off.
 * Pure: the same findings, in any order, give the same verdict; one more finding never gives a milder one.
 */
export function decide(findings: readonly Finding[], policy: Policy, replaceable: readonly Replaceable[] = []): Verdict {
  const verdicts = findings.map((each) => ({ each, ...consequence(each, policy, replaceable) }));
  const mode = verdicts.reduce<Verdict['mode']>((worst, { mode: next }) => (RANK[next] > RANK[worst] ? next : worst), 'normal');
  return {
    mode,
    revalidate: verdicts.some(({ revalidate }) => revalidate),
    substitutions: Object.fromEntries(verdicts.flatMap(({ substitutions }) => Object.entries(substitutions))),
    reasons: [...new Set(findings.map(({ code, artifact }) => (artifact === null ? code : `${code}:${artifact}`)))].toSorted(),
  };
}

type Consequence = Pick<Verdict, 'mode' | 'revalidate' | 'substitutions'>;
const consequenceOf = (mode: Verdict['mode'], more: Partial<Consequence> = {}): Consequence => ({
  mode,
  revalidate: false,
  substitutions: {},
  ...more,
});

/** Findings about an artifact's own signature, which `enforce_signatures` asks for. All other signature findings are about the lock. */
const OWN_SIGNATURE: readonly FindingCode[] = [
  'SIGNATURE_MISSING',
  'SIGNATURE_MALFORMED',
  'SIGNATURE_INVALID',
  'SIGNATURE_HIGH_S',
];
/** Without a pack that the lock covers nothing can serve, and a bus that lies is no mismatch of bytes: no flag tolerates these. */
const BEYOND_FLAGS: readonly FindingCode[] = [
  'PACK_UNREADABLE',
  'PACK_MALFORMED',
  'PACK_MISMATCH',
  'PACK_NOT_COVERED',
  'EQUIVOCATION',
];

function consequence(finding: Finding, policy: Policy, replaceable: readonly Replaceable[]): Consequence {
  const group: FindingGroup = FINDING_CODES[finding.code];
  switch (group) {
    case 'signature': {
      // The lock's own signature is asked for whatever the policy says: it carries the flag itself.
      const own = finding.artifact !== null && OWN_SIGNATURE.includes(finding.code);
      return consequenceOf(own && !policy.enforce_signatures ? 'normal' : 'halted');
    }
    case 'mismatch':
      return consequenceOf(mismatch(finding, policy, replaceable));
    case 'expired':
      return consequenceOf('safe', { revalidate: true });
    case 'missing':
      return missing(finding, policy, replaceable);
  }
}

function mismatch({ code, artifact }: Finding, policy: Policy, replaceable: readonly Replaceable[]): Verdict['mode'] {
  if (BEYOND_FLAGS.includes(code)) return 'safe';
  const unused = replaceable.some((each) => each.artifact === artifact && Object.keys(each.models).length === 0);
  if (unused && !policy.require_all_verified) return 'normal';
  return policy.safe_mode_on_mismatch ? 'safe' : 'normal';
}

function missing({ artifact }: Finding, policy: Policy, replaceable: readonly Replaceable[]): Consequence {
  const models = Object.entries(replaceable.find((each) => each.artifact === artifact)?.models ?? {});
  const inUse = models.length > 0 || !replaceable.some((each) => each.artifact === artifact);
  if (!inUse) return consequenceOf(policy.require_all_verified ? 'safe' : 'normal');
  const replaced = models.length > 0 && policy.allow_shadow_fallback && models.every(([, shadow]) => shadow !== null);
  if (!replaced) return consequenceOf('safe');
  return consequenceOf('normal', { substitutions: Object.fromEntries(models) as Record<string, string> });
}
