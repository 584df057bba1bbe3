import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { claimPlace, holderOf } from './claim.ts';

const placeIn = (folder: string) => ({ meshFile: join(folder, 'run', 'mesh.json') });

describe('the place of a mesh', () => {
  it('is claimed by one of many starts at the same moment; the others are told by whom', async () => {
    using folder = temporaryFolder();
    const place = placeIn(folder.path);
    const first = await claimPlace(place);
    const others = await Promise.allSettled(Array.from({ length: 5 }, () => claimPlace(place)));
    for (const other of others)
      expect(other).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining(`process ${process.pid}`) } });
    expect(await holderOf(place)).toMatchObject({ pid: process.pid });
    await first.release();
    expect(await holderOf(place)).toBeUndefined();
    await (await claimPlace(place)).release();
    expect(readdirSync(join(folder.path, 'run'))).toEqual([]);
  });

  it('is free when its holder was killed, when its pid is another process by now, and when the claim is torn', async () => {
    using folder = temporaryFolder();
    const place = placeIn(folder.path);
    mkdirSync(join(folder.path, 'run'));
    const dead = spawn('true');
    await once(dead, 'exit');
    const stale = [
      JSON.stringify({ pid: dead.pid, started: '1' }),
      JSON.stringify({ pid: process.pid, started: '1' }),
      '{"pid":',
    ];
    for (const claim of stale) {
      writeFileSync(join(folder.path, 'run', 'up.json'), claim);
      await (await claimPlace(place)).release();
    }
    expect(readdirSync(join(folder.path, 'run'))).toEqual([]);
  });
});
