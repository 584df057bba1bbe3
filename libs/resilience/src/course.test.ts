import { describe, expect, it } from 'vitest';
import type { BreakerState } from './breaker.ts';
import { courseOf } from './course.ts';
import type { Candidate } from './route.ts';
import type { Merit } from './shadow.ts';

const CANDIDATES: readonly Candidate[] = [
  { model: 'base', role: 'primary' },
  { model: 'tiny', role: 'shadow' },
  { model: 'book', role: 'fallback' },
];
const CLOSED: BreakerState = { kind: 'closed' };
const SLOW: BreakerState = { kind: 'open', cause: 'slow', because: 'it is slow' };
const SILENT: BreakerState = { kind: 'open', cause: 'silent', because: 'it was silent' };
const FAILING: BreakerState = { kind: 'open', cause: 'failing', because: 'it fails' };

interface Case {
  readonly merit?: Merit;
  readonly states?: Readonly<Record<string, BreakerState>>;
  readonly fallbacksOnly?: boolean;
}

function course({ merit = 'unmeasured', states = {}, fallbacksOnly = false }: Case = {}) {
  const conditions = { fallbacksOnly, substitutions: {}, shadowsStandIn: true, merit: () => merit, unusable: () => undefined };
  const { legs, probes, shadows } = courseOf('tier', CANDIDATES, conditions, (model) => states[model] ?? CLOSED);
  const names = (all: readonly Candidate[]) => all.map(({ model }) => model);
  return { legs: names(legs), probes: names(probes), shadows: names(shadows) };
}

describe('the course of a tier', () => {
  it('asks a shadow that was not measured lately only when nobody else is left', () => {
    expect(course().legs).toEqual(['base', 'book', 'tiny']);
    expect(course({ states: { base: SLOW } }).legs).toEqual(['book', 'base', 'tiny']);
  });

  it('asks one that was silent when nobody else is left, and one that fails never', () => {
    expect(course({ states: { base: SILENT, book: FAILING }, merit: 'bad' }).legs).toEqual(['base']);
    expect(course({ states: { base: SILENT, book: SILENT } }).legs).toEqual(['tiny', 'base', 'book']);
    expect(course({ states: { base: SILENT, book: SLOW }, merit: 'bad' }).legs).toEqual(['book', 'base']);
  });

  it('asks a shadow that is good in its place, and one that is bad never', () => {
    expect(course({ merit: 'good', states: { base: FAILING } }).legs).toEqual(['tiny', 'book']);
    expect(course({ merit: 'bad', states: { base: FAILING, book: FAILING } }).legs).toEqual([]);
  });

  it('copies work to shadows that can be asked, and to none in safe mode', () => {
    expect(course().shadows).toEqual(['tiny']);
    expect(course({ states: { tiny: FAILING } }).shadows).toEqual([]);
    expect(course({ fallbacksOnly: true })).toEqual({ legs: ['book'], probes: [], shadows: [] });
  });

  it('asks a model under probation last, and tries it on copies', () => {
    const states = { base: { kind: 'half-open', cause: 'failing', because: 'it failed' } } as const;
    expect(course({ states, merit: 'good' })).toMatchObject({ legs: ['tiny', 'book', 'base'], probes: ['base'] });
  });
});
