import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';

const COMMAND = join(import.meta.dirname, '..', 'bin', 'smartlite.mjs');

/** Runs the command as a user would, with a home of its own. */
function smartlite(...args: string[]) {
  const home = mkdtempSync(join(tmpdir(), 'smartlite-cli-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const { SMARTLITE_NATS_URL: _nats, ...environment } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    env: { ...environment, SMARTLITE_HOME: home },
  });
  return { status, stdout, stderr };
}

describe('the command', () => {
  it('explains itself and ends with 0', () => {
    expect(smartlite('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('up [options]') });
    expect(smartlite('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it.each([
    ['an unknown verb', ['fly']],
    ['an unknown option', ['status', '--wings']],
    ['an id that is none', ['trace', 'xyz']],
    ['a recording that is not there', ['talk', 'none.wav']],
    ['a supposition that means nothing', ['plan', '--what-if', 'nobody=down']],
    ['a tenant without a name', ['plan', '--what-if', 'flite=down', '--tenant', '']],
    ['a position in what has no past', ['watch', 'lock', '--after', 'beginning']],
    ['a pack that is not there', ['models', 'list', '--pack', 'none.json']],
  ])('ends with 2 for %s, and says so on stderr', (_what, args) => {
    const { status, stdout, stderr } = smartlite(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  it('ends with 1 and says what to do where no mesh runs', () => {
    expect(smartlite('status')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/No mesh of this checkout runs\.\n.*npm start/),
    });
  });

  it('shows no stack trace unless asked', () => {
    expect(smartlite('status').stderr).not.toMatch(/^ {4}at /m);
    expect(smartlite('--debug', 'status').stderr).toMatch(/^ {4}at /m);
  });

  it('ends as it would where nobody reads on what it prints', async () => {
    const child = spawn(process.execPath, [COMMAND, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect([code, complaint]).toEqual([0, '']);
  });

  it('ends a mesh that does not run without complaint', () => {
    expect(smartlite('down', '--json')).toMatchObject({ status: 0, stdout: '{"ended":false}\n' });
  });
});

describe('clients', () => {
  it('are shown their key once', () => {
    expect(smartlite('clients', 'add', 'app', '--json')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\{"id":"app","key":"slk_/),
    });
  });

  it('cannot be revoked when there are none of that name', () => {
    expect(smartlite('clients', 'revoke', 'app')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('There is no client "app"'),
    });
  });
});
