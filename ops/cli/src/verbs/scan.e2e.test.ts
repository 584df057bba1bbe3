import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { artifactOf, packOf } from '../up/fixtures/pack.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'smartlite.mjs');
const STAND_IN = join(import.meta.dirname, '..', 'scan', 'fixtures', 'trivy.mjs');

/** A home with one artifact, in which Trivy does what the test says. */
function machine(home: string) {
  const artifact = artifactOf('alpha', Buffer.from('bytes'), { kind: 'file', path: 'alpha.bin' });
  mkdirSync(dirname(join(home, 'models', artifact.path)), { recursive: true });
  writeFileSync(join(home, 'models', artifact.path), 'bytes');
  writeFileSync(join(home, 'pack.json'), packOf([artifact]));
  const { SMARTLITE_NATS_URL: _nats, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOME: home,
    SMARTLITE_HOME: home,
    SMARTLITE_PACK: join(home, 'pack.json'),
    SMARTLITE_TRIVY: STAND_IN,
  };
  return (trivy: string, ...args: string[]) => {
    writeFileSync(join(home, 'stand-in.json'), JSON.stringify({ trivy }));
    return spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8', env });
  };
}

describe('smartlite scan', () => {
  it('ends with 1 for a critical flaw, with 0 where none is of the severities that fail, and with 2 where Trivy gives no answer', () => {
    using folder = temporaryFolder();
    const run = machine(folder.path);
    expect(run('report', 'scan')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('CVE-2019-10744  mended in 4.17.12'),
    });
    expect(run('mild', 'scan')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Clean of HIGH and CRITICAL: 2 packages'),
    });
    const strict = run('mild', 'scan', '--severity', 'medium', '--json');
    expect(strict.status).toBe(1);
    expect(JSON.parse(strict.stdout)).toMatchObject({ ok: false, packages: 2, policy: ['MEDIUM'], counts: { MEDIUM: 1 } });
    expect(run('cut', 'scan')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('no report of a scan') });
    expect(run('clean', 'scan', '--severity', 'bad')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no severity'),
    });
  });

  it('takes the software’s bill as well, as smartlite sbom --software prints it', () => {
    using folder = temporaryFolder();
    const run = machine(folder.path);
    const bill = join(folder.path, 'bill.json');
    writeFileSync(bill, run('clean', 'sbom', '--software').stdout);
    expect(JSON.parse(readFileSync(bill, 'utf8'))).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'smartlite' } },
    });
    expect(run('clean', 'scan', '--sbom', bill, '--json')).toMatchObject({ status: 0, stdout: expect.stringContaining(bill) });
    expect(run('clean', 'sbom', '--software', bill)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no lockfile of npm'),
    });
    expect(run('clean', 'scan', join(folder.path, 'nowhere'))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no such file'),
    });
  });

  it('keeps the report, whose digest the lock then binds; what is no report is not bound', () => {
    using folder = temporaryFolder();
    const run = machine(folder.path);
    const report = join(folder.path, 'scan.json');
    run('clean', 'scan', '--report', report);
    const digest = `sha256:${createHash('sha256').update(readFileSync(report)).digest('hex')}`;
    expect(run('clean', 'sign', '--scan', report)).toMatchObject({ status: 0 });
    expect(JSON.parse(run('clean', 'verify', '--json').stdout)).toMatchObject({ ok: true, scan: digest });
    const lock = join(folder.path, 'MODEL_LOCK.json');
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(digest, `sha256:${'0'.repeat(64)}`));
    expect(run('clean', 'verify')).toMatchObject({ status: 1, stdout: expect.stringContaining('SIGNATURE_INVALID') });
    expect(run('clean', 'sign', '--scan', lock)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no report of a scan'),
    });
  });
});
