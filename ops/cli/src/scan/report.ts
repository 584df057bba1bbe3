import { parseStrictJson, shown } from '@smartlite/trust';
import { z } from 'zod';
import { Problem } from '../problem.ts';

/** Reports of some thousand packages have a few MB. */
export const SCAN_BYTES_MAX = 64 * 1024 * 1024;

/** From the mildest to the worst, as Trivy names them. */
export const SEVERITIES = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type Severity = (typeof SEVERITIES)[number];

const text = z.string().max(2_000);
/** What the judgement rests on is strict; Trivy adds other fields with its versions. */
const vulnerability = z.looseObject({
  VulnerabilityID: text.min(1),
  PkgName: text.min(1),
  InstalledVersion: text.optional(),
  FixedVersion: text.optional(),
  Severity: z.enum(SEVERITIES),
  Title: z.string().optional(),
  PrimaryURL: z.string().optional(),
});
const schema = z.looseObject({
  SchemaVersion: z.literal(2),
  Results: z
    .array(
      z.looseObject({
        Target: text,
        Class: text.optional(),
        Packages: z.array(z.looseObject({ Name: text.min(1) })).nullish(),
        Vulnerabilities: z.array(vulnerability).nullish(),
      }),
    )
    .nullish(),
});

export interface Vulnerability {
  readonly id: string;
  readonly severity: Severity;
  readonly package: string;
  readonly installed: string;
  /** The versions that mend it; null where there is none. */
  readonly fixed: string | null;
  readonly title: string;
  readonly url: string | null;
}

export interface ScanReport {
  readonly packages: number;
  /** Worst first. */
  readonly vulnerabilities: readonly Vulnerability[];
}

/**
 * Reads Trivy's JSON report, schema version 2. Throws Problem, exit code 2, for anything else, and for a report in which no package was
 * looked at: neither is a clean one.
 */
export function parseScan(bytes: Uint8Array, where: string): ScanReport {
  const results = parsed(bytes, where).Results ?? [];
  const packages = results.reduce((sum, { Packages }) => sum + (Packages?.length ?? 0), 0);
  if (packages === 0)
    throw new Problem(
      `${where}: no package was looked at.`,
      'Scan a package-lock.json or a CycloneDX bill; in a report, list all packages.',
      { exitCode: 2 },
    );
  const vulnerabilities = results.flatMap(({ Vulnerabilities }) => (Vulnerabilities ?? []).map(vulnerabilityOf));
  return { packages, vulnerabilities: vulnerabilities.toSorted((a, b) => rank(b.severity) - rank(a.severity) || compare(a, b)) };
}

function parsed(bytes: Uint8Array, where: string): z.infer<typeof schema> {
  const remedy = 'It must be the JSON report of Trivy, schema version 2.';
  try {
    return schema.parse(parseStrictJson(bytes, { file: where, bytesMax: SCAN_BYTES_MAX }));
  } catch (cause) {
    throw new Problem(`${where}: this is no report of a scan: ${reasonOf(cause)}`, remedy, { exitCode: 2, cause });
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return cause instanceof Error ? cause.message : String(cause);
  const [issue] = cause.issues;
  return shown(`/${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'not as expected'}`);
}

function vulnerabilityOf(each: z.infer<typeof vulnerability>): Vulnerability {
  return {
    id: each.VulnerabilityID,
    severity: each.Severity,
    package: each.PkgName,
    installed: each.InstalledVersion ?? '',
    fixed: each.FixedVersion === undefined || each.FixedVersion === '' ? null : each.FixedVersion,
    title: shown(each.Title ?? '', 200),
    url: each.PrimaryURL ?? null,
  };
}

function rank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

function compare(a: Vulnerability, b: Vulnerability): number {
  return `${a.package} ${a.id}`.localeCompare(`${b.package} ${b.id}`, 'en');
}

/** How many of each severity. */
export function countsOf({ vulnerabilities }: ScanReport): Readonly<Record<Severity, number>> {
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
  for (const { severity } of vulnerabilities) counts[severity] += 1;
  return counts;
}
