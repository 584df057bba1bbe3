import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseLock } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { stage } from './stage.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What is wrong with one piece of evidence; undefined where it lies where it says. */
function fault(evidence: string, lock: unknown): string | undefined {
  if (evidence.startsWith('none: ')) return undefined;
  const [, verb] = /^npx smartlite ([a-z-]+)/.exec(evidence) ?? [];
  if (verb !== undefined)
    return existsSync(join(ROOT, 'ops', 'cli', 'src', 'verbs', `${verb}.ts`)) ? undefined : `there is no command ${verb}`;
  if (!evidence.startsWith('/')) return existsSync(join(ROOT, evidence)) ? undefined : `${evidence} is not there`;
  const found = evidence
    .split('/')
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], lock);
  return found === undefined ? `${evidence} is not in the lock` : undefined;
}

describe('the compliance that a lock binds', () => {
  it('speaks to the standards of the specification, and all evidence lies where it says', async () => {
    using target = await stage();
    const lock = parseLock(target.lock);
    expect(lock.compliance.map(({ standard }) => standard)).toEqual(['TRD v2.2', 'ISO 27001', 'SOC 2 Type II']);
    const evidence = lock.compliance.flatMap(({ controls }) => controls.flatMap((control) => control.evidence.split('; ')));
    expect(evidence.map((each) => fault(each, lock)).filter((each) => each !== undefined)).toEqual([]);
    expect(fault('ops/nowhere.md', lock)).toBe('ops/nowhere.md is not there');
    expect(fault('npx smartlite fly', lock)).toBe('there is no command fly');
    expect(fault('/nowhere', lock)).toBe('/nowhere is not in the lock');
  });
});
