import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What this host's lock gives: its holder is the one process alive that may write from this place. */
export interface HostLock extends Disposable {
  /**
   * Names the place that is locked: this very file, by its inode and birth. A copy of the folder on another host has another name, so
   * whoever comes with the same name knows that its predecessor is dead.
   */
  readonly writer: string;
}

/**
 * Takes the lock on the folder of the log's key, for as long as this process lives; undefined when another has it. The lock is the
 * operating system's, on a file of SQLite: it ends with its holder, however that ends.
 */
export function takeHostLock(folder: string): HostLock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'writer.lock');
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (caught) {
    database.close();
    if (caught instanceof Error && /locked|busy/i.test(caught.message)) return undefined;
    throw caught;
  }
  const { dev, ino, birthtimeNs } = statSync(file, { bigint: true });
  const writer = createHash('sha256').update(`${dev}.${ino}.${birthtimeNs}`).digest('hex');
  return { writer, [Symbol.dispose]: () => database.close() };
}

/** Names one life of this process. Never the same twice, in tests neither: the control log outlives them. */
export function newBoot(): string {
  return randomBytes(16).toString('hex');
}
