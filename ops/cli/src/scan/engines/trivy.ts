import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shown } from '@smartlite/trust';
import { Problem } from '../../problem.ts';
import { SCAN_BYTES_MAX } from '../report.ts';

/** Trivy's own limit is five minutes; the first run fetches its database before that. */
export const SCAN_MS = 10 * 60_000;
/** The end of what it says on stderr: enough for its reason. */
const COMPLAINT_CHARACTERS = 2_000;
const INSTALL =
  'Install it with one command: curl -sfL https://raw.githubusercontent.com/aquasecurity/trivy/main/contrib/install.sh | sh -s -- -b /usr/local/bin\nOr name it: SMARTLITE_TRIVY=/path/to/trivy';
/** Of Trivy's own settings only these are passed on: most others, such as TRIVY_IGNOREFILE, would hide findings without a word. */
const PASSED_ON =
  /^(PATH|HOME|TMPDIR|USER|LANG|LC_.*|SSL_CERT_.*|XDG_CACHE_HOME|(HTTPS?|NO|https?|no)_(PROXY|proxy)|TRIVY_(CACHE_DIR|DB_REPOSITORY))$/;

export interface ScanOrder {
  /** The executable: a path, or a name that is looked up on PATH. */
  readonly trivy: string;
  /** What is scanned: a lockfile, or a bill of materials. */
  readonly target: { readonly kind: 'lockfile' | 'sbom'; readonly path: string };
  /** No requests about dependencies. */
  readonly offline: boolean;
  /** Take the vulnerability database that is there. */
  readonly skipDbUpdate: boolean;
  readonly limitMs?: number;
}

/**
 * Runs Trivy and gives its report as it wrote it; nothing of it is believed yet. Throws Problem, exit code 2, where Trivy is not
 * there, fails, takes too long or writes too much: no answer is never a clean one.
 */
export async function runTrivy(order: ScanOrder, environment: NodeJS.ProcessEnv): Promise<Uint8Array> {
  // A folder of its own: Trivy obeys a trivy.yaml and a .trivyignore that lie where it is started.
  const folder = await mkdtemp(join(tmpdir(), 'smartlite-scan-'));
  try {
    const env = Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED_ON.test(name)));
    return await outputOf(spawn(order.trivy, argumentsOf(order), { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }), order);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function argumentsOf({ target, offline, skipDbUpdate }: ScanOrder): readonly string[] {
  return [
    ...(target.kind === 'sbom' ? ['sbom'] : ['fs', '--scanners=vuln', '--include-dev-deps']),
    '--format=json',
    // Packages are listed, so that a scan that has found no package is not taken for a clean one.
    '--list-all-pkgs',
    '--quiet',
    ...(offline ? ['--offline-scan'] : []),
    ...(skipDbUpdate ? ['--skip-db-update'] : []),
    '--',
    target.path,
  ];
}

function outputOf(child: ChildProcess, { trivy, limitMs = SCAN_MS }: ScanOrder): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const parts: Buffer[] = [];
  let bytes = 0;
  let complaint = '';
  const giveUp = (message: string, remedy: string) => {
    // What it has started may hold its pipes open: they are let go of, not waited for.
    child.kill('SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
    reject(new Problem(message, remedy, { exitCode: 2 }));
  };
  const late = `Trivy was ended: no report within ${limitMs / 1_000} s.`;
  const timer = setTimeout(
    () => giveUp(late, 'Fetch its database first (trivy fs --download-db-only), or see what it waits for.'),
    limitMs,
  );
  child.stdout?.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > SCAN_BYTES_MAX) giveUp(`Trivy was ended: its report is above ${SCAN_BYTES_MAX} bytes.`, 'Scan a smaller target.');
    else parts.push(part);
  });
  child.stderr?.on('data', (part: Buffer) => (complaint = `${complaint}${part.toString()}`.slice(-COMPLAINT_CHARACTERS)));
  child.once('error', (cause: NodeJS.ErrnoException) => reject(notStarted(trivy, cause)));
  child.once('close', (code, signal) => {
    if (code === 0) return resolve(Buffer.concat(parts));
    const said =
      complaint.trim() === ''
        ? 'It said nothing.'
        : complaint
            .trim()
            .split('\n')
            .map((line) => shown(line))
            .join('\n');
    reject(
      new Problem(
        `Trivy failed (${signal ?? `exit code ${code}`}):\n${said}`,
        'Nothing was found out. Mend what it says, and scan again.',
        { exitCode: 2 },
      ),
    );
  });
  return promise.finally(() => clearTimeout(timer));
}

function notStarted(trivy: string, cause: NodeJS.ErrnoException): Problem {
  const absent = cause.code === 'ENOENT';
  const message = absent
    ? `Trivy is not installed (${trivy}).`
    : `${trivy}: it cannot be started (${cause.code ?? cause.message}).`;
  return new Problem(message, INSTALL, { exitCode: 2, cause });
}
