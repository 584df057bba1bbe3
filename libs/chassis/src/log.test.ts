import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '@smartlite/contracts';
import { temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { createLog } from './log.ts';

function linesOf(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  using folder = temporaryFolder();
  const file = join(folder.path, 'log.ndjson');
  const fd = openSync(file, 'w');
  write(createLog({ service: 'llm', instance: 'llm-1', level: 'info', fd }));
  closeSync(fd);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a log line', () => {
  it('is one JSON object with constant text and values beside it', () => {
    const [line] = linesOf((log) => log.info('model loaded', { model: 'nano', bytes: 7 }));
    expect(line).toMatchObject({
      level: 'info',
      service: 'llm',
      instance: 'llm-1',
      text: 'model loaded',
      model: 'nano',
      bytes: 7,
    });
    expect(Date.parse(String(line?.['time']))).not.toBeNaN();
  });

  it('below the level is not written', () => {
    expect(linesOf((log) => log.debug('detail'))).toEqual([]);
  });

  it('shows an error with its code and causes, to a depth', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    const [line] = linesOf((log) => log.error('failed', { error: new MeshError('unavailable', 'gone', { cause: loop }) }));
    expect(line?.['error']).toMatchObject({
      name: 'MeshError',
      code: 'unavailable',
      message: 'gone',
      cause: { message: 'loop' },
    });
  });
});
