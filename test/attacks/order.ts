import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { RELEASE } from '@smartlite/trust';
import { attack } from './attack.ts';
import { NOW, remember, type Stage } from './stage.ts';

const DAY_MS = 86_400_000;

/** On the order of locks and on time. */
export const ORDER = [
  attack('older valid lock', 'SEQUENCE_ROLLED_BACK', 'halted', async (stage) => {
    const older = stage.lock;
    await remember(stage, await stage.sign());
    stage.lock = older;
  }),
  attack('everything rolled back and state wiped', 'SEQUENCE_ROLLED_BACK', 'halted', (stage) => {
    rmSync(stage.mark, { force: true });
    stage.trust = { ...stage.trust, min_sequence: 2 };
  }),
  attack('another lock of the same sequence', 'SEQUENCE_ROLLED_BACK', 'halted', async (stage) => {
    const signed = await stage.sign({ nowMs: NOW + 1_000 });
    await remember(stage, signed);
    const { file } = signed;
    await stage.sign({ sequence: file.sequence, previous: file.previous });
  }),
  attack('a lock that does not follow the trusted one', 'PREVIOUS_MISMATCH', 'halted', async (stage) => {
    await remember(stage, await stage.sign({ sequence: 2 }));
    await stage.sign({ sequence: 3, previous: `sha256:${'0'.repeat(64)}` });
  }),
  attack('mark that cannot be read', 'SEQUENCE_ROLLED_BACK', 'halted', (stage) => writeFileSync(stage.mark, '{')),
  attack('FIFO in the mark’s place', 'SEQUENCE_ROLLED_BACK', 'halted', (stage) => {
    rmSync(stage.mark, { force: true });
    execFileSync('mkfifo', [stage.mark]);
  }),
  attack('lock expired', 'LOCK_EXPIRED', 'safe', async (stage) => {
    await stage.sign({ lifeMs: DAY_MS });
    stage.nowMs = NOW + 2 * DAY_MS;
  }),
  attack('clock back, on a host that has verified nothing yet', 'KEY_NOT_YET_VALID', 'safe', (stage) => {
    rmSync(stage.mark, { force: true });
    stage.nowMs = NOW - 30 * DAY_MS;
  }),
  attack('clock back, behind what was verified here', 'CLOCK_BEHIND', 'safe', async (stage) => {
    await remember(stage, await stage.sign({ nowMs: NOW + 20 * DAY_MS }));
    stage.nowMs = NOW + DAY_MS;
  }),
  attack('clock back, behind this release, on a new host', 'CLOCK_BEHIND', 'safe', (stage) => {
    rmSync(stage.mark, { force: true });
    stage.nowMs = Date.parse(RELEASE.date) - DAY_MS;
  }),
  attack('lock issued in the future', 'LOCK_NOT_YET_VALID', 'safe', async (stage) => {
    await stage.sign({ nowMs: NOW + 20 * DAY_MS });
  }),
  attack('clock forward', 'KEY_EXPIRED', 'safe', (stage) => {
    stage.nowMs = NOW + 400 * DAY_MS;
  }),
  attack('sequence 2^53 - 1', 'SEQUENCE_JUMPED', 'halted', (stage) => highest(stage)),
  attack('sequence 2^53 - 1 on a new host', 'SEQUENCE_JUMPED', 'halted', async (stage) => {
    rmSync(stage.mark, { force: true });
    await stage.sign({ sequence: Number.MAX_SAFE_INTEGER });
  }),
  attack('lock of an older generation', 'GENERATION_MISMATCH', 'halted', (stage) => {
    stage.trust = { ...stage.trust, generation: 2 };
  }),
  attack('new pack with the old lock', 'PACK_MISMATCH', 'safe', (stage) => {
    stage.pack = Buffer.from(Buffer.from(stage.pack).toString().replace('"version":"1"', '"version":"2"'));
  }),
];

async function highest(stage: Stage): Promise<void> {
  await remember(stage, await stage.sign());
  await stage.sign({ sequence: Number.MAX_SAFE_INTEGER });
}
