import { join, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { digestOf, shown, writeAtomically } from '@smartlite/trust';
import type { Command } from 'commander';
import { Problem } from '../problem.ts';
import { runTrivy, SCAN_MS } from '../scan/engines/trivy.ts';
import { countsOf, parseScan, type ScanReport, SEVERITIES, type Severity, type Vulnerability } from '../scan/report.ts';
import { record } from '../trail/record.ts';
import { findPlace } from '../up/place.ts';

interface Options {
  readonly severity: readonly Severity[];
  readonly sbom?: string;
  readonly offline?: boolean;
  readonly skipDbUpdate?: boolean;
  readonly report?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

/** Findings that are printed; JSON has them all. */
const SHOWN_MAX = 50;
/** What fails without --severity. */
const POLICY: readonly Severity[] = ['HIGH', 'CRITICAL'];

/** `smartlite scan`: exit 0 where nothing of the policy's severities was found, 1 where something was, 2 where Trivy gave no answer. */
export function registerScan(program: Command): void {
  program
    .command('scan')
    .description('known vulnerabilities of the software, by Trivy (on PATH, or SMARTLITE_TRIVY), judged by severity')
    .argument('[lockfile]', 'package-lock.json to scan (default: the project’s)')
    .option('--severity <list>', 'severities that fail, with commas', severitiesOf, POLICY)
    .option('--sbom <file>', 'scan this CycloneDX bill of materials instead')
    .option('--offline', 'no requests about dependencies, and no newer database')
    .option('--skip-db-update', 'take the vulnerability database that is there')
    .option('--report <file>', 'keep Trivy’s report; smartlite sign --scan binds its digest into the lock')
    .option('--timeout <seconds>', 'give up after so long', secondsOf, SCAN_MS / 1_000)
    .option('--json', 'print one JSON object')
    .action(scan);
}

async function scan(lockfile: string | undefined, options: Options): Promise<void> {
  const place = findPlace();
  const target = await targetOf(lockfile ?? join(place.root, 'package-lock.json'), options);
  const bytes = await runTrivy(
    {
      trivy: executableOf(process.env['SMARTLITE_TRIVY'] ?? 'trivy'),
      target,
      offline: options.offline === true,
      skipDbUpdate: options.skipDbUpdate === true || options.offline === true,
      limitMs: options.timeout * 1_000,
    },
    process.env,
  );
  const report = parseScan(bytes, 'Trivy’s report');
  const failing = report.vulnerabilities.filter(({ severity }) => options.severity.includes(severity));
  const digest = digestOf(bytes);
  if (options.report !== undefined) await writeAtomically(options.report, bytes);
  const facts = { target: target.path, packages: report.packages, policy: options.severity, counts: countsOf(report), digest };
  const { counts: _counts, ...recorded } = facts;
  const found = report.vulnerabilities.length;
  await record(place, [{ kind: 'operator.command', facts: { command: 'scan', ...recorded, found, failing: failing.length } }]);
  if (options.json) console.log(JSON.stringify({ ok: failing.length === 0, ...facts, vulnerabilities: report.vulnerabilities }));
  else console.log(describe(report, failing, options));
  if (failing.length > 0) process.exitCode = 1;
}

/** A path is meant from here, and Trivy is started elsewhere; a mere name is looked up on PATH. */
function executableOf(name: string): string {
  return name.includes('/') ? resolve(name) : name;
}

async function targetOf(lockfile: string, { sbom }: Options) {
  const path = resolve(sbom ?? lockfile);
  const there = (await stat(path).catch(() => undefined))?.isFile() === true;
  if (!there)
    throw new Problem(`${path}: there is no such file to scan.`, 'Name a package-lock.json, or a bill with --sbom.', {
      exitCode: 2,
    });
  return { kind: sbom === undefined ? ('lockfile' as const) : ('sbom' as const), path };
}

function describe(report: ScanReport, failing: readonly Vulnerability[], { severity }: Options): string {
  const counts = Object.entries(countsOf(report)).filter(([, count]) => count > 0);
  const all = counts.length === 0 ? 'no known vulnerability' : counts.map(([name, count]) => `${count} ${name}`).join(', ');
  const lines = failing.slice(0, SHOWN_MAX).map(line);
  if (failing.length > SHOWN_MAX) lines.push(`  and ${failing.length - SHOWN_MAX} more (--json prints all)`);
  const verdict = failing.length === 0 ? `Clean of ${severity.join(' and ')}` : `${failing.length} of ${severity.join(' or ')}`;
  return [`${verdict}: ${report.packages} packages, ${all}.`, ...lines].join('\n');
}

function line({ id, severity, package: name, installed, fixed, title }: Vulnerability): string {
  const remedy = fixed === null ? 'no version mends it' : `mended in ${fixed}`;
  return `  ${severity.padEnd(8)}  ${shown(`${name} ${installed}  ${id}  ${remedy}  ${title}`)}`;
}

function severitiesOf(list: string): readonly Severity[] {
  return list.split(',').map((word) => {
    const severity = SEVERITIES.find((each) => each === word.trim().toUpperCase());
    if (severity) return severity;
    throw new Problem(`--severity ${word}: no severity.`, `Give some of ${SEVERITIES.join(',')}.`, { exitCode: 2 });
  });
}

function secondsOf(word: string): number {
  const seconds = Number(word);
  if (seconds > 0 && seconds <= 86_400) return seconds;
  throw new Problem(`--timeout ${word}: no number of seconds.`, 'Give seconds above 0, a day at most.', { exitCode: 2 });
}
