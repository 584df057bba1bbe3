import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { lstat, open, readlink, realpath } from 'node:fs/promises';

/** Never follows a link, never waits for a FIFO's writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** At once from a disk that blocks, later from one that does not. */
type Soon<T> = T | Promise<T>;

/** An open artifact. Closing it is the caller's. */
export interface ArtifactHandle {
  readonly fd: number;
  stat(options: { readonly bigint: true }): Soon<BigIntStats>;
  read(into: Uint8Array, offset: number, length: number, position: number): Soon<{ readonly bytesRead: number }>;
  close(): Soon<void>;
}

/** What is asked of the file system; each throws the system's error. */
export interface Disk {
  realpath(path: string): Soon<string>;
  lstat(path: string): Soon<{ isSymbolicLink(): boolean; isDirectory(): boolean }>;
  /** For reading; no link is followed at the end, and no FIFO waited for. */
  open(path: string): Soon<ArtifactHandle>;
  readlink(path: string): Soon<string>;
}

/** For a thread that serves others, too. */
export const asyncDisk: Disk = { realpath, lstat, readlink, open: (path) => open(path, OPEN_FLAGS) };

/** For a thread that does nothing else: each call costs a few microseconds, where a pool of threads costs a hundred. */
export const blockingDisk: Disk = {
  realpath: (path) => realpathSync.native(path),
  lstat: (path) => lstatSync(path),
  readlink: (path) => readlinkSync(path),
  open(path) {
    const fd = openSync(path, OPEN_FLAGS);
    return {
      fd,
      stat: () => fstatSync(fd, { bigint: true }),
      read: (into, offset, length, position) => ({ bytesRead: readSync(fd, into, offset, length, position) }),
      close: () => closeSync(fd),
    };
  },
};
