import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { runTrivy, type ScanOrder } from './engines/trivy.ts';
import { countsOf, parseScan } from './report.ts';

const STAND_IN = join(import.meta.dirname, 'fixtures', 'trivy.mjs');
const LOCKFILE = { kind: 'lockfile', path: '/checkout/package-lock.json' } as const;

/** What the stand-in for Trivy gives when it does so. */
async function answer(trivy: string, order: Partial<ScanOrder> = {}, environment: NodeJS.ProcessEnv = {}): Promise<Uint8Array> {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'stand-in.json'), JSON.stringify({ trivy }));
  const env = { PATH: process.env['PATH'], HOME: folder.path, ...environment };
  return await runTrivy({ trivy: STAND_IN, target: LOCKFILE, offline: false, skipDbUpdate: false, ...order }, env);
}

const parse = async (trivy: string) => parseScan(await answer(trivy), 'report');
const refused = (message: RegExp) => expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) });

describe('the report of a scan', () => {
  it('says what is vulnerable, worst first, and how many of each severity', async () => {
    const report = await parse('report');
    expect(report).toMatchObject({
      packages: 2,
      vulnerabilities: [
        { id: 'CVE-2019-10744', severity: 'CRITICAL', package: 'lodash', installed: '4.17.4', fixed: '4.17.12' },
        { id: 'CVE-2019-11358', severity: 'MEDIUM', package: 'jquery', installed: '3.3.9', fixed: '3.4.0' },
      ],
    });
    expect(countsOf(report)).toEqual({ UNKNOWN: 0, LOW: 0, MEDIUM: 1, HIGH: 0, CRITICAL: 1 });
  });

  it('is clean where packages were looked at and nothing was found', async () => {
    expect(await parse('clean')).toEqual({ packages: 2, vulnerabilities: [] });
    expect((await parse('mild')).vulnerabilities).toMatchObject([{ fixed: null }]);
  });

  it.each([
    ['nothing', /no package was looked at/],
    ['older', /no report of a scan/],
    ['doubled', /no report of a scan/],
    ['cut', /no report of a scan/],
    ['severity', /\/Results\/0\/Vulnerabilities\/0\/Severity/],
  ])('is never taken for a clean one when it is %s', async (trivy, message) => {
    await expect(parse(trivy)).rejects.toEqual(refused(message));
  });
});

describe('Trivy', () => {
  it('is told what to scan and no more; settings that hide findings do not reach it', async () => {
    const environment = { TRIVY_IGNOREFILE: '/tmp/all', TRIVY_SEVERITY: 'LOW', TRIVY_CACHE_DIR: '/cache' };
    const ask = async (order: Partial<ScanOrder>) =>
      JSON.parse(Buffer.from(await answer('said', order, environment)).toString()) as { said: string[]; settings: string[] };
    const usual = ['fs', '--scanners=vuln', '--include-dev-deps', '--format=json', '--list-all-pkgs', '--quiet'];
    expect(await ask({})).toEqual({ said: [...usual, '--', LOCKFILE.path], settings: ['TRIVY_CACHE_DIR'] });
    const { said } = await ask({ target: { kind: 'sbom', path: '/bill.json' }, offline: true, skipDbUpdate: true });
    expect(said).toEqual([
      'sbom',
      '--format=json',
      '--list-all-pkgs',
      '--quiet',
      '--offline-scan',
      '--skip-db-update',
      '--',
      '/bill.json',
    ]);
  });

  it('that fails has found nothing out, whatever it printed; its reason is said without steering the terminal', async () => {
    await expect(answer('fails')).rejects.toEqual(refused(/exit code 1.*\nFATAL\\u001b\[31m database: cannot be fetched/));
  });

  it('that hangs is ended, and one that floods as well', async () => {
    await expect(answer('hangs', { limitMs: 500 })).rejects.toEqual(refused(/no report within 0.5 s/));
    await expect(answer('floods')).rejects.toEqual(refused(/above 67108864 bytes/));
  });

  it('that is not there is named with the one command that installs it', async () => {
    const absent = answer('clean', { trivy: 'trivy-that-is-not-here' });
    await expect(absent).rejects.toEqual(refused(/not installed \(trivy-that-is-not-here\)/));
    await expect(absent).rejects.toMatchObject({ remedy: expect.stringContaining('install.sh') });
    await expect(answer('clean', { trivy: '/etc/passwd' })).rejects.toEqual(refused(/cannot be started \(EACCES\)/));
  });
});
