import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Backoff } from './backoff.ts';
import { KeptProcess } from './kept-process.ts';
import { RotatingLog } from './rotating-log.ts';

function temporaryFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'smartlite-kept-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

describe('a process that ignores the request to end', () => {
  it('is killed after its time', async () => {
    const log = new RotatingLog(temporaryFile('log'));
    let heard = () => {};
    const ready = new Promise<void>((resolve) => (heard = resolve));
    const kept = new KeptProcess({
      name: 'stubborn',
      log,
      onChange: () => {},
      onMessage: heard,
      spawn: () =>
        spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); process.send("up"); setInterval(() => {}, 1000)'], {
          stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        }),
    });
    kept.start();
    await ready;
    const { mark } = kept;
    await kept.stop(50);
    expect(mark).toBeDefined();
    expect(() => process.kill(mark?.pid ?? 0, 0)).toThrow(/ESRCH/);
  });
});

describe('a process that cannot be started', () => {
  it('is given up, for trying again would change nothing', async () => {
    const states: string[] = [];
    let changed = () => {};
    const givenUp = new Promise<void>((resolve) => (changed = resolve));
    const kept: KeptProcess = new KeptProcess({
      name: 'absent',
      log: new RotatingLog(temporaryFile('log')),
      spawn: () => spawn(join(tmpdir(), 'no-such-program')),
      onChange: () => {
        states.push(kept.state.kind);
        if (kept.state.kind === 'given-up') changed();
      },
    });
    kept.start();
    await givenUp;
    expect(states).toEqual(['running', 'given-up']);
    await kept.stop();
  });
});

describe('waits between starts', () => {
  it('double with every crash in a row, up to a bound', () => {
    const backoff = new Backoff();
    expect(Array.from({ length: 9 }, () => backoff.next(0))).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('begin anew after a long time without a crash', () => {
    const backoff = new Backoff();
    backoff.next(0);
    backoff.next(0);
    expect(backoff.next(60_000)).toBe(250);
  });
});

describe('a log that has grown large', () => {
  it('is set aside, and one predecessor is kept', () => {
    const path = temporaryFile('asr.ndjson');
    const log = new RotatingLog(path, 10);
    for (const line of ['12345\n', '67890\n', 'abcde\n']) log.write(Buffer.from(line));
    log.close();
    expect(readdirSync(join(path, '..')).sort()).toEqual(['asr.ndjson', 'asr.ndjson.1']);
    expect([path, `${path}.1`].map((file) => readFileSync(file, 'utf8'))).toEqual(['abcde\n', '67890\n']);
  });
});
