import colours from 'picocolors';

/** One thing that was looked at. A warning does not stop the mesh; a fault does. */
export interface Check {
  readonly name: string;
  readonly outcome: 'ok' | 'warning' | 'fault';
  readonly found: string;
  /** What to do; empty when all is well. */
  readonly remedy: string;
}

export const ok = (name: string, found: string): Check => ({ name, outcome: 'ok', found, remedy: '' });
export const warning = (name: string, found: string, remedy: string): Check => ({ name, outcome: 'warning', found, remedy });
export const fault = (name: string, found: string, remedy: string): Check => ({ name, outcome: 'fault', found, remedy });

/** The checks as lines: what was found, and under a fault or warning what to do. */
export function describeChecks(checks: readonly Check[]): string {
  const marks = { ok: colours.green('ok  '), warning: colours.yellow('warn'), fault: colours.red('BAD ') };
  return checks
    .flatMap(({ name, outcome, found, remedy }) => [
      `  ${marks[outcome]}  ${name.padEnd(12)} ${found}`,
      ...(remedy ? [`        ${' '.repeat(12)} ${remedy}`] : []),
    ])
    .join('\n');
}
