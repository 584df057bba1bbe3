/** How a decision has spread over the fleet. */
export interface Propagation {
  readonly instances: number;
  readonly applied: number;
  /** Ids of those that have not applied it. */
  readonly laggards: readonly string[];
  /** Of those whose delay is known. */
  readonly medianMs: number | null;
  readonly maxMs: number | null;
  /** Instances up to each bound that the bound before does not hold; the last has none. */
  readonly histogram: readonly { readonly leMs: number | null; readonly count: number }[];
}

/** Milliseconds: a healthy fleet lies in the first ones, a lease is the worst that may be. */
const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] as const;
const BAR_CELLS = 24;

export function propagationOf(
  rows: readonly { readonly id: string; readonly applied: boolean; readonly delayMs: number | null }[],
): Propagation {
  const delays = rows.flatMap(({ delayMs }) => (delayMs === null ? [] : [delayMs])).toSorted((a, b) => a - b);
  const upTo = (bound: number) => delays.filter((delay) => delay <= bound).length;
  const cumulated = [...BOUNDS_MS.map(upTo), delays.length];
  return {
    instances: rows.length,
    applied: rows.filter(({ applied }) => applied).length,
    laggards: rows.filter(({ applied }) => !applied).map(({ id }) => id),
    medianMs: delays[Math.floor((delays.length - 1) / 2)] ?? null,
    maxMs: delays.at(-1) ?? null,
    histogram: cumulated.map((count, index) => ({
      leMs: BOUNDS_MS[index] ?? null,
      count: count - (cumulated[index - 1] ?? 0),
    })),
  };
}

/** For people: one line, a bar for each stretch that holds somebody, and the laggards by name. */
export function describePropagation({ instances, applied, laggards, medianMs, maxMs, histogram }: Propagation): string[] {
  if (instances === 0) return [];
  const times =
    medianMs === null || maxMs === null ? '' : ` in ${medianMs.toFixed(1)} ms (median), ${maxMs.toFixed(1)} ms (slowest)`;
  const most = Math.max(...histogram.map(({ count }) => count));
  const bars = histogram.flatMap(({ leMs, count }) => {
    if (count === 0) return [];
    const label = leMs === null ? `> ${BOUNDS_MS.at(-1)} ms` : `<= ${leMs} ms`;
    return [`  ${label.padStart(10)} ${'#'.repeat(Math.ceil((count / most) * BAR_CELLS))} ${count}`];
  });
  const late = laggards.length > 0 ? [`  NOT APPLIED by ${laggards.join(', ')}`] : [];
  return [`decision applied by ${applied} of ${instances}${times}`, ...bars, ...late];
}
