import type { UnitName } from './amounts.ts';

export const SCOPES = ['fleet', 'tenant', 'user'] as const;
export type ScopeName = (typeof SCOPES)[number];

/** Fixed windows of the ledger's time, in milliseconds. A span that straddles a border can see up to twice a limit. */
export const WINDOWS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type WindowName = keyof typeof WINDOWS;
export const WINDOW_NAMES = Object.keys(WINDOWS) as readonly WindowName[];

export interface Limit {
  readonly scope: ScopeName;
  /** A tenant, `tenant/user`, or empty: every subject of the scope, each for itself. */
  readonly subject: string;
  readonly unit: UnitName;
  readonly window: WindowName;
  readonly limit: number;
}

/** A limit bound to one subject. */
export interface BoundLimit extends Limit {
  /** One counter of the ledger, without the window's number. */
  readonly account: string;
}

export interface Holder {
  readonly tenant: string;
  readonly user: string;
}

/**
 * Every limit that a holder's use touches; a holder without tenant or user touches none of those. A limit for the very subject
 * replaces the one for every subject.
 */
export function limitsOf(limits: readonly Limit[], holder: Holder): readonly BoundLimit[] {
  const bound = new Map<string, BoundLimit>();
  for (const limit of limits) {
    const subject = subjectOf(limit.scope, holder);
    if (subject === undefined || (limit.subject !== '' && limit.subject !== subject)) continue;
    const account = accountOf(limit.scope, subject, limit.unit, limit.window);
    if (limit.subject !== '' || !bound.has(account)) bound.set(account, { ...limit, subject, account });
  }
  return [...bound.values()];
}

/** Undefined where the holder has none in this scope. A tenant's own slashes are escaped: `a/b` of c is not `a` of b/c. */
export function subjectOf(scope: ScopeName, { tenant, user }: Holder): string | undefined {
  if (scope === 'fleet') return '';
  if (tenant === '') return undefined;
  if (scope === 'tenant') return tenant;
  return user === '' ? undefined : `${tenant.replaceAll('%', '%25').replaceAll('/', '%2F')}/${user}`;
}

/** Replaces the limit of the same scope, subject, unit and window, or adds it. */
export function withLimit(
  limits: readonly Limit[],
  limit: Limit,
): { readonly limits: readonly Limit[]; readonly previous: number | undefined } {
  const same = (each: Limit) =>
    each.scope === limit.scope && each.subject === limit.subject && each.unit === limit.unit && each.window === limit.window;
  return { limits: [...limits.filter((each) => !same(each)), limit], previous: limits.find(same)?.limit };
}

/** For example `user/llm_tokens/day`: what a refused caller is told. */
export function nameOf({ scope, unit, window }: Limit): string {
  return `${scope}/${unit}/${window}`;
}

export function windowNumber(window: WindowName, atMs: number): number {
  return Math.floor(atMs / WINDOWS[window]);
}

/** When the window that holds `atMs` ends. */
export function refillsMs(window: WindowName, atMs: number): number {
  return (windowNumber(window, atMs) + 1) * WINDOWS[window];
}

export function accountOf(scope: ScopeName, subject: string, unit: UnitName, window: WindowName): string {
  return JSON.stringify([scope, subject, unit, window]);
}
