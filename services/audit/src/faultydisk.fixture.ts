import type { Disk } from './engine.ts';

/** What may happen to a write that was not answered. */
export const FAULTS = ['not applied', 'applied but unacknowledged'] as const;
export type Fault = (typeof FAULTS)[number];

export interface MemoryDisk extends Disk {
  readonly files: Map<string, Uint8Array>;
  /** Every write so far. */
  readonly written: readonly string[];
}

/** A folder in memory. */
export function memoryDisk(files = new Map<string, Uint8Array>()): MemoryDisk {
  const written: string[] = [];
  return {
    files,
    written,
    read: async (path) => files.get(path),
    async write(path, bytes) {
      written.push(path);
      files.set(path, bytes);
    },
    async remove(path) {
      for (const name of files.keys()) if (name === path || name.startsWith(`${path}/`)) files.delete(name);
    },
  };
}

/** Fails at the n-th write of all disks that share the counter, as a crash or a full disk there would, and at all after it. */
export function faulty(disk: Disk, at: number, fault: Fault, count: { writes: number }): Disk {
  return {
    ...disk,
    async write(path, bytes) {
      count.writes += 1;
      if (count.writes < at) return disk.write(path, bytes);
      if (count.writes === at && fault === 'applied but unacknowledged') await disk.write(path, bytes);
      throw new Error(`no answer to the write of ${path}`);
    },
  };
}
