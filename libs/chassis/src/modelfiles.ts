import { join } from 'node:path';
import { MeshError } from '@smartlite/contracts';
import {
  LOCK_BYTES_MAX,
  PACK_BYTES_MAX,
  packFor,
  parseTrust,
  readBounded,
  readMark,
  TRUST_BYTES_MAX,
  type TrustDocument,
  verifyLock,
} from '@smartlite/trust';
import type { Clock } from './clock.ts';
import type { ModelFiles } from './platform.ts';
import type { BaseSettings } from './settings/base.ts';

/** The highest lock that this host has seen, in SMARTLITE_HOME. Written after a full verification by whoever did it. */
const MARK_FILE = 'mark.json';

/** The files that this process serves from. Trust is read once: another trust document is another start. */
export async function modelFiles(
  { home, trust: trustFile, lock: lockFile, pack: packFile, models }: BaseSettings,
  clock: Clock,
): Promise<ModelFiles> {
  const trust = await readTrust(trustFile);
  return {
    trust,
    root: models,
    async verify() {
      const [lockBytes, mark] = await Promise.all([
        readNamed(lockFile, LOCK_BYTES_MAX, 'SMARTLITE_LOCK'),
        readMark(join(home, MARK_FILE)),
      ]);
      const packBytes = await packFor(lockBytes, packFile, (file) => readNamed(file, PACK_BYTES_MAX, 'SMARTLITE_PACK'));
      const { lock, digest, pack } = verifyLock({ lock: lockBytes, pack: packBytes, trust, nowMs: clock.nowMs(), mark });
      return { lock, lockDigest: digest, lockBytes, pack, packBytes };
    },
  };
}

async function readTrust(file: string): Promise<TrustDocument> {
  return parseTrust(await readNamed(file, TRUST_BYTES_MAX, 'SMARTLITE_TRUST'), file);
}

/** A FIFO or an endless file in its place ends in an error, not in a wait. */
async function readNamed(file: string, bytesMax: number, variable: string): Promise<Uint8Array> {
  try {
    return await readBounded(file, bytesMax);
  } catch (cause) {
    throw new MeshError('unavailable', `${file} cannot be read; check ${variable}`, { cause });
  }
}
