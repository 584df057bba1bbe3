import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import { SPOOL_FILE } from './spool.ts';

const OWNER_FILE = 'owner';
const CLAIMED = '.claimed-';

/** Entries that a process left behind, and how to forget them once they are stored. */
export interface Leftover {
  readonly entries: readonly AuditEntry[];
  forget(): void;
}

export interface Claimant {
  readonly pid: number;
  readonly isAlive: (pid: number) => boolean;
}

/** Says that a spool folder belongs to a living process. */
export function markOwner(folder: string, pid: number): void {
  writeFileSync(join(folder, OWNER_FILE), String(pid), { mode: 0o600 });
}

/**
 * Takes over the spools of processes that are gone: instances have random names, so nobody else would come for them. Two that
 * claim at once do no harm: renaming succeeds for one, and entries are deduplicated by id anyway.
 */
export function claimLeftovers(spools: string, { pid, isAlive }: Claimant): readonly Leftover[] {
  return folders(spools).flatMap((name) => {
    const folder = join(spools, name);
    const owner = ownerOf(folder);
    // A spool that bears this process' own number is older than it: the claim comes before its own spool is made.
    if (owner !== pid && isAlive(owner)) return [];
    const claimed = join(spools, `${name.split(CLAIMED)[0]}${CLAIMED}${pid}`);
    try {
      renameSync(folder, claimed);
      markOwner(claimed, pid);
    } catch {
      return [];
    }
    return [{ entries: entriesIn(claimed), forget: () => rmSync(claimed, { recursive: true, force: true }) }];
  });
}

function folders(spools: string): string[] {
  try {
    return readdirSync(spools);
  } catch {
    return [];
  }
}

function ownerOf(folder: string): number {
  try {
    return Number(readFileSync(join(folder, OWNER_FILE), 'utf8'));
  } catch {
    return 0;
  }
}

function entriesIn(folder: string): AuditEntry[] {
  const text = readFileSync(join(folder, SPOOL_FILE), { encoding: 'utf8', flag: 'a+' });
  return text.split('\n').flatMap((line) => {
    try {
      return line ? [JSON.parse(line) as AuditEntry] : [];
    } catch {
      // The last line of a process that was killed while writing; its `record` never returned.
      return [];
    }
  });
}
