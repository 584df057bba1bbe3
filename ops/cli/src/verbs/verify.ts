import type { Command } from 'commander';
import { parseIsoTime } from '../isotime.ts';
import { Problem } from '../problem.ts';
import { record } from '../trail/record.ts';
import { findPlace, type Place } from '../up/place.ts';
import { exportForOpenssl } from '../verification/export.ts';
import { readLockFile, readPackFile, readTrustFile } from '../verification/read.ts';
import { byteProgress, describeVerification } from '../verification/show.ts';
import { type Subject, type Verification, verifyAll } from '../verification/verify.ts';

interface Options {
  readonly pack?: string;
  readonly lock?: string;
  readonly root?: string;
  readonly trust?: string;
  readonly now?: string;
  readonly export?: string;
  readonly json?: boolean;
}

/** Findings named in one line of the trail; the count is there in any case. */
const AUDITED_MAX = 100;

/** `smartlite verify`: exit 0 only when all is verified, 1 for any finding, 2 for misuse or unreadable input. */
export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('full verification of every artifact against the signed lock')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--lock <file>', 'another lock than the project’s')
    .option('--root <folder>', 'folder that the artifacts’ paths are relative to')
    .option('--trust <file>', 'root certificate (PEM) or trust document, instead of this machine’s domain')
    .option('--now <iso>', 'judge validity at this time')
    .option('--export <folder>', 'write what a stock OpenSSL needs to check every artifact')
    .option('--json', 'print one JSON object')
    .action(verify);
}

async function verify(options: Options): Promise<void> {
  const place = findPlace(process.env, options);
  const subject = await subjectOf(place, options);
  const progress = byteProgress();
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Problem('Stopped before the end: nothing is verified.', 'Run it again.'));
  process.once('SIGINT', stop);
  const startedMs = performance.now();
  let found: Verification;
  try {
    const both = options.export !== undefined;
    const onUnwritten = (why: string) => console.error(why);
    found = await verifyAll(subject, { signal: stopping.signal, onProgress: progress.onProgress, both, onUnwritten });
  } finally {
    process.off('SIGINT', stop);
    progress.stop();
  }
  const tookMs = Math.round(performance.now() - startedMs);
  await record(place, [entryOf(found, tookMs)]);
  print(found, tookMs, options);
  if (!found.ok) process.exitCode = 1;
  if (options.export !== undefined) await exportTo(options.export, subject, found, options);
}

async function subjectOf(place: Place, options: Options): Promise<Subject> {
  const [lock, pack] = await Promise.all([readLockFile(options.lock ?? place.lock), readPackFile(place.pack)]);
  const trust = await readTrustFile(options.trust ?? place.trust, lock);
  return {
    lock,
    pack,
    trust,
    root: options.root ?? place.models,
    nowMs: options.now === undefined ? Date.now() : parseIsoTime(options.now, '--now'),
    // Order is this host's memory: it says nothing about another domain's locks, and another's files say nothing to it.
    mark: options.trust === undefined ? place.mark : undefined,
    raisesMark: [options.pack, options.lock, options.root, options.now].every((option) => option === undefined),
  };
}

function entryOf({ ok, mode, lockSequence, lockDigest, findings, artifacts, bytes }: Verification, tookMs: number) {
  return {
    kind: ok ? ('verification.passed' as const) : ('verification.failed' as const),
    facts: {
      mode,
      lockSequence,
      lockDigest,
      artifacts: artifacts.length,
      bytes,
      tookMs,
      findingCount: findings.length,
      findings: findings.slice(0, AUDITED_MAX).map(({ code, artifact }) => (artifact === null ? code : `${code}:${artifact}`)),
    },
  };
}

function print(found: Verification, tookMs: number, { json }: Options): void {
  const { proven, ...facts } = found;
  if (json)
    console.log(
      JSON.stringify({ ...facts, compliance: proven?.lock.compliance ?? [], scan: proven?.lock.scan?.digest ?? null, tookMs }),
    );
  else console.log(describeVerification(found, tookMs));
}

async function exportTo(folder: string, { root }: Subject, { ok, proven }: Verification, { json }: Options): Promise<void> {
  if (!ok || proven === undefined) {
    console.error(`Nothing was written to ${folder}: only what is verified is exported.`);
    return;
  }
  const count = await exportForOpenssl(folder, root, proven);
  if (!json) console.log(`Exported to ${folder}: public-key.pem, artifacts.tsv and ${count} signatures.`);
}
