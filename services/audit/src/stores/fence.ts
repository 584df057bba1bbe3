import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Takes the right to write the log of the key in this folder, for as long as this process lives; undefined when another has it. The
 * lock is the operating system's, on a file of SQLite: it ends with its holder, however that ends.
 */
export function takeFence(folder: string): Disposable | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, 'writer.lock'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (caught) {
    database.close();
    if (caught instanceof Error && /locked|busy/i.test(caught.message)) return undefined;
    throw caught;
  }
  return { [Symbol.dispose]: () => database.close() };
}
