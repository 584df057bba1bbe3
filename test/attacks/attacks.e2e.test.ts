import { readdirSync, readFileSync, readlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Verification } from '../../ops/cli/src/verification/verify.ts';
import { ATTACKS, asProcess } from './all.ts';
import { artifactOf, packOf } from '../../ops/cli/src/up/fixtures/pack.ts';
import { type Stage, stage } from './stage.ts';

for (const [group, attacks] of Object.entries(ATTACKS)) {
  describe(`an attack on ${group.toLowerCase()} is refused by the command, with its own finding and exit code 1`, () => {
    it.concurrent.each(attacks.filter(asProcess))('$name: $code', async ({ code, mode, act }) => {
      using target = await stage();
      expect(await target.verify()).toMatchObject({ ok: true, mode: 'normal', findings: [] });
      await act(target);
      const { status, stdout, stderr } = await target.launch('--json').ended;
      const found = JSON.parse(stdout) as Verification;
      expect(found.findings.map((each) => each.code)).toContain(code);
      expect({ status, ok: found.ok, mode: found.mode, stderr }).toEqual({ status: 1, ok: false, mode, stderr: '' });
    });
  });
}

describe('the command, on the untouched lock', () => {
  it('ends with 0', async () => {
    using target = await stage();
    expect(await target.launch('--json').ended).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('"ok":true'),
    });
  });
});

/** Takes one thread long enough to be caught in the act. */
const LARGE = 300_000_000;
const FILE = 'alpha/data.bin';

/** A stage with one large artifact, signed. */
async function largeStage(): Promise<Stage> {
  const target = await stage();
  truncateSync(target.file(FILE), 0);
  truncateSync(target.file(FILE), LARGE);
  const path = (id: string) => ({ kind: 'file', path: `${id}/data.bin` }) as const;
  const beta = readFileSync(target.file('beta/data.bin'));
  target.pack = packOf([artifactOf('alpha', Buffer.alloc(LARGE), path('alpha')), artifactOf('beta', beta, path('beta'))]);
  await target.sign();
  return target;
}

function holds(pid: number, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path);
  } catch {
    return false; // It has ended, or closed that descriptor meanwhile.
  }
}

/** Bytes that a process has read so far, of whatever files; none once it has ended. */
function bytesRead(pid: number): number {
  try {
    return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  } catch {
    return NaN;
  }
}

/** Read of the large file by then: the command has noted its size, and is far from its end. */
const UNDER_WAY = LARGE / 8;

/** Lets the file grow when the command has read a part of it; false where it was not seen in time that much was left to read. */
async function growWhileRead(target: Stage, pid: number, ended: Promise<unknown>): Promise<boolean> {
  let running = true;
  void ended.finally(() => (running = false));
  while (running && !holds(pid, target.file(FILE))) await nextTurn();
  const before = bytesRead(pid);
  while (running && bytesRead(pid) < before + UNDER_WAY) await nextTurn();
  truncateSync(target.file(FILE), LARGE + 1);
  return bytesRead(pid) < before + LARGE / 2;
}

describe('an artifact that grows while the command hashes it', () => {
  it('is refused as GREW_WHILE_READ, exit code 1', async () => {
    using target = await largeStage();
    for (let caught = false; !caught; ) {
      truncateSync(target.file(FILE), LARGE);
      // With --export one thread reads it from start to end.
      const { pid, ended } = target.launch('--json', '--export', join(target.home, 'export'));
      caught = await growWhileRead(target, pid, ended);
      const { status, stdout } = await ended;
      if (caught) expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining('GREW_WHILE_READ') });
    }
  });
});
