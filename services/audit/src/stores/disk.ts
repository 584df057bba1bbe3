import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Disk } from '../engine.ts';

/** A folder of this machine. Written, synced, renamed, and its folder synced: a crash leaves the old file or the new one. */
export function diskFolder(folder: string): Disk {
  const made = new Set<string>();
  return {
    async read(path) {
      try {
        return await readFile(join(folder, path));
      } catch (caught) {
        if (caught instanceof Error && 'code' in caught && (caught.code === 'ENOENT' || caught.code === 'ENOTDIR'))
          return undefined;
        throw caught;
      }
    },
    async write(path, bytes) {
      const target = join(folder, path);
      await makeFolder(dirname(target), made);
      await synced(`${target}.next`, 'w', (handle) => handle.writeFile(bytes));
      await rename(`${target}.next`, target);
      await synced(dirname(target), 'r', async () => {});
    },
    async remove(path) {
      await rm(join(folder, path), { recursive: true, force: true });
    },
  };
}

/** A new folder is only there after a crash if its own folder was synced. */
async function makeFolder(folder: string, made: Set<string>): Promise<void> {
  if (made.has(folder)) return;
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) {
    for (let at = folder; at.length >= first.length; at = dirname(at)) await synced(dirname(at), 'r', async () => {});
  }
  made.add(folder);
}

async function synced(
  path: string,
  flags: string,
  use: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    await use(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
