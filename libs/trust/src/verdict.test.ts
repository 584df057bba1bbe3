import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finding, FINDING_CODES, type Finding, type FindingCode } from './finding.ts';
import type { Policy } from './lock.ts';
import { decide, type Replaceable } from './verdict.ts';

const CODES = Object.keys(FINDING_CODES) as FindingCode[];
const FLAGS = ['enforce_signatures', 'require_all_verified', 'safe_mode_on_mismatch', 'allow_shadow_fallback'] as const;
const POLICIES: readonly Policy[] = Array.from({ length: 2 ** FLAGS.length }, (_, bits) => ({
  ...(Object.fromEntries(FLAGS.map((flag, at) => [flag, (bits & (1 << at)) !== 0])) as Record<(typeof FLAGS)[number], boolean>),
  instance_alarm: 'safe',
}));
const RANK = { normal: 0, safe: 1, halted: 2 };

/** `used` serves and has no shadow, `spared` has one, `idle` serves nothing. */
const REPLACEABLE: readonly Replaceable[] = [
  { artifact: 'used', models: { ears: null } },
  { artifact: 'spared', models: { mind: 'spare-mind' } },
  { artifact: 'idle', models: {} },
];
const SUBJECTS = [null, 'used', 'spared', 'idle', 'unheard-of'] as const;
const every = CODES.flatMap((code) => SUBJECTS.map((artifact) => finding(code, 'x', artifact)));

const policies = fc.constantFrom(...POLICIES);
const findings = fc.array(fc.constantFrom(...every), { maxLength: 6 });

describe('the verdict, over all sixteen policies and every finding', () => {
  it('is normal without findings', () => {
    for (const policy of POLICIES) expect(decide([], policy, REPLACEABLE).mode).toBe('normal');
  });

  it('never gets milder by one more finding', () => {
    fc.assert(
      fc.property(policies, findings, fc.constantFrom(...every), (policy, some, more) => {
        const [before, after] = [decide(some, policy, REPLACEABLE), decide([...some, more], policy, REPLACEABLE)];
        expect(RANK[after.mode]).toBeGreaterThanOrEqual(RANK[before.mode]);
      }),
    );
  });

  it('does not depend on the order or the number of equal findings', () => {
    fc.assert(
      fc.property(policies, findings, (policy, some) => {
        expect(decide([...some, ...some].toReversed(), policy, REPLACEABLE)).toEqual(decide(some, policy, REPLACEABLE));
      }),
    );
  });

  it('is for each finding alone what the table of failures says', () => {
    for (const policy of POLICIES)
      for (const each of every)
        expect([each.code, each.artifact, decide([each], policy, REPLACEABLE).mode]).toEqual([
          each.code,
          each.artifact,
          expected(each, policy),
        ]);
  });

  it('is never laxer under a stricter policy, but for shadows, which are a leave', () => {
    for (const policy of POLICIES)
      for (const flag of FLAGS.filter((name) => name !== 'allow_shadow_fallback'))
        for (const each of every) {
          const modes = [false, true].map((value) => decide([each], { ...policy, [flag]: value }, REPLACEABLE).mode);
          expect(RANK[modes[1] ?? 'normal']).toBeGreaterThanOrEqual(RANK[modes[0] ?? 'halted']);
        }
  });

  it('asks for another look after whatever has expired', () => {
    for (const each of every)
      expect(decide([each], POLICIES[15] as Policy).revalidate).toBe(FINDING_CODES[each.code] === 'expired');
  });

  it('names the shadow that takes over from a missing model, where that is allowed', () => {
    const missing = finding('ARTIFACT_MISSING', 'x', 'spared');
    for (const policy of POLICIES)
      expect(decide([missing], policy, REPLACEABLE).substitutions).toEqual(
        policy.allow_shadow_fallback ? { mind: 'spare-mind' } : {},
      );
  });
});

/** The seed's table, written down a second time. */
function expected({ code, artifact }: Finding, policy: Policy): 'normal' | 'safe' | 'halted' {
  const group = FINDING_CODES[code];
  if (group === 'expired') return 'safe';
  if (group === 'signature')
    return artifact !== null && code.startsWith('SIGNATURE_') && !policy.enforce_signatures ? 'normal' : 'halted';
  const idle = artifact === 'idle' && !policy.require_all_verified;
  if (group === 'missing')
    return idle || (artifact === 'spared' && policy.allow_shadow_fallback) ? 'normal' : missingMode(artifact, policy);
  if (code.startsWith('PACK_') || code === 'EQUIVOCATION') return 'safe';
  return idle || !policy.safe_mode_on_mismatch ? 'normal' : 'safe';
}

function missingMode(artifact: string | null, policy: Policy): 'normal' | 'safe' {
  return artifact === 'idle' && !policy.require_all_verified ? 'normal' : 'safe';
}
