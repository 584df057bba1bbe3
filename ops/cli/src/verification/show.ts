import { type Lock, shown } from '@smartlite/trust';
import { progressBar } from '../progress.ts';
import type { Verification } from './verify.ts';

/** Findings that are printed; JSON has them all. */
const SHOWN_MAX = 50;
const MEGABYTE = 1e6;

/** A bar with rate and time left, from the first word about progress on. */
export function byteProgress() {
  const startedMs = performance.now();
  let bar: ReturnType<typeof progressBar> | undefined;
  return {
    onProgress: ({ bytesDone, bytesTotal }: { readonly bytesDone: number; readonly bytesTotal: number }) => {
      bar ??= progressBar(Math.ceil(bytesTotal / MEGABYTE), 'MB');
      bar.at(Math.floor(bytesDone / MEGABYTE), paceOf(bytesDone, bytesTotal, performance.now() - startedMs));
    },
    stop: () => bar?.stop(),
  };
}

/** "1240 MB/s, 3 s left" */
function paceOf(bytesDone: number, bytesTotal: number, tookMs: number): string {
  if (tookMs <= 0 || bytesDone <= 0) return '';
  const perSecond = (bytesDone / tookMs) * 1_000;
  const leftSeconds = Math.ceil(Math.max(0, bytesTotal - bytesDone) / perSecond);
  return `${Math.round(perSecond / MEGABYTE)} MB/s, ${leftSeconds} s left`;
}

export function describeVerification(
  { ok, mode, lockSequence, findings, artifacts, bytes, proven }: Verification,
  tookMs: number,
): string {
  const shown = findings.slice(0, SHOWN_MAX).map(({ code, message }) => `  ${code}  ${message}`);
  if (findings.length > SHOWN_MAX) shown.push(`  and ${findings.length - SHOWN_MAX} more (--json prints all)`);
  const read = `${(bytes / MEGABYTE).toFixed(1)} MB in ${(tookMs / 1_000).toFixed(2)} s`;
  if (ok)
    return [
      `Verified: lock ${lockSequence}, ${artifacts.length} artifacts, ${read}.`,
      ...describeCompliance(proven?.lock.compliance ?? []),
    ].join('\n');
  return [`Refused: ${findings.length} finding${findings.length === 1 ? '' : 's'}; the fleet's mode is ${mode}.`, ...shown].join(
    '\n',
  );
}

/** What the lock says of standards, with where each control's evidence lies: a signed statement, which nothing here proves. */
function describeCompliance(compliance: Lock['compliance']): readonly string[] {
  return compliance.flatMap(({ standard, controls }) => [
    `  ${shown(standard)}`,
    ...controls.map(({ id, title, evidence }) => `    ${shown(id).padEnd(22)}  ${shown(title)}: ${shown(evidence)}`),
  ]);
}
