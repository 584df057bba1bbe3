import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MeshError } from '@smartlite/contracts';

const sync = promisify(fdatasync);

/** About 100,000 entries: hours of a busy instance without NATS. Beyond it the trail refuses, and so must its callers. */
const SPOOL_BYTES_MAX = 64 * 1024 ** 2;
/** The file in an instance's spool folder. */
export const SPOOL_FILE = 'entries.ndjson';
/** How far the instance had come when the spool was last empty. */
export const HEAD_FILE = 'head.json';

/** Entries on their way to the bus, in a file: they outlive this process. One JSON object a line. */
export interface Spool {
  /** Written when it returns: survives this process. Throws `audit-unavailable` when the spool is full or the disk refuses. */
  append(line: string): void;
  /** Resolves when everything appended so far is on the disk: survives a power cut. */
  flushed(): Promise<void>;
  /** Bytes in the file. */
  readonly bytes: number;
  /** Forgets all entries; call it when each is in the log. Notes how far this boot has come. */
  clear(head: { readonly boot: string; readonly counter: number }): void;
  /** Forgets all entries but these. */
  replace(lines: readonly string[]): void;
  close(): void;
}

/** Makes the spool of one instance. What an earlier life has left must have been claimed before. */
export function openSpool(folder: string): Spool {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, SPOOL_FILE);
  let fd = openSync(file, 'a', 0o600);
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    append(line) {
      const data = Buffer.from(`${line}\n`);
      if (bytes + data.length > SPOOL_BYTES_MAX) {
        throw new MeshError('audit-unavailable', 'the spool of audit entries is full: none has been receipted for long', {
          retryAfterMs: 5_000,
        });
      }
      try {
        if (writeSync(fd, data) < data.length) throw new Error('the disk took a part of the line');
      } catch (cause) {
        // Half a line would swallow the next one.
        ftruncateSync(fd, bytes);
        throw new MeshError('audit-unavailable', 'an audit entry cannot be written: is there room on the disk?', { cause });
      }
      bytes += data.length;
    },
    flushed: () => sync(fd),
    clear(head) {
      ftruncateSync(fd, 0);
      bytes = 0;
      writeHead(folder, head);
    },
    replace(lines) {
      const text = lines.map((line) => `${line}\n`).join('');
      const next = openSync(`${file}.next`, 'w', 0o600);
      writeSync(next, text);
      fsyncSync(next);
      closeSync(next);
      renameSync(`${file}.next`, file);
      closeSync(fd);
      fd = openSync(file, 'a', 0o600);
      bytes = Buffer.byteLength(text);
    },
    close: () => closeSync(fd),
  };
}

/** A full disk must not keep entries from leaving. */
function writeHead(folder: string, head: { readonly boot: string; readonly counter: number }): void {
  try {
    writeFileSync(join(folder, HEAD_FILE), JSON.stringify(head), { mode: 0o600 });
  } catch {
    // Without it the next boot names no counter; the log knows its own.
  }
}
