import { closeSync, fdatasync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MeshError } from '@smartlite/contracts';

const sync = promisify(fdatasync);

/** About 100,000 entries: hours of a busy instance without NATS. Beyond it the trail refuses, and so must its callers. */
const SPOOL_BYTES_MAX = 64 * 1024 ** 2;
/** The file in an instance's spool folder. */
export const SPOOL_FILE = 'entries.ndjson';

/** Entries on their way to the bus, in a file: they outlive this process. One JSON object a line. */
export interface Spool {
  /** Written when it returns: survives this process. Throws `audit-unavailable` when the spool is full or the disk refuses. */
  append(line: string): void;
  /** Resolves when everything appended so far is on the disk: survives a power cut. */
  flushed(): Promise<void>;
  /** Forgets all entries; call it when each is stored elsewhere. */
  clear(): void;
  close(): void;
}

/** Makes the spool of one instance. What an earlier life has left must have been claimed before. */
export function openSpool(folder: string): Spool {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fd = openSync(join(folder, SPOOL_FILE), 'a', 0o600);
  let bytes = 0;
  return {
    append(line) {
      const data = Buffer.from(`${line}\n`);
      if (bytes + data.length > SPOOL_BYTES_MAX) {
        throw new MeshError('audit-unavailable', 'the spool of audit entries is full: NATS has not taken any for long', {
          retryAfterMs: 5_000,
        });
      }
      try {
        writeSync(fd, data);
      } catch (cause) {
        throw new MeshError('audit-unavailable', 'an audit entry cannot be written: is there room on the disk?', { cause });
      }
      bytes += data.length;
    },
    flushed: () => sync(fd),
    clear() {
      ftruncateSync(fd, 0);
      bytes = 0;
    },
    close: () => closeSync(fd),
  };
}
