import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import { HEAD_FILE, SPOOL_FILE } from './spool.ts';

const OWNER_FILE = 'owner';
const CLAIMED = '.claimed-';

/** Entries that a process left behind, and how to forget them once they are in the log. */
export interface Leftover {
  /** The instance that wrote them. */
  readonly instance: string;
  readonly entries: readonly AuditEntry[];
  /** The same as they were written: these bytes are what is logged. */
  readonly lines: readonly string[];
  /** How far it came, as far as its spool tells. */
  readonly head: { readonly boot: string; readonly counter: number } | undefined;
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
    const instance = name.split(CLAIMED)[0] ?? name;
    const claimed = join(spools, `${instance}${CLAIMED}${pid}`);
    try {
      renameSync(folder, claimed);
      markOwner(claimed, pid);
    } catch {
      return [];
    }
    const read = entriesIn(claimed);
    const entries = read.map(({ entry }) => entry);
    const head = entries.at(-1) ?? headIn(claimed);
    const forget = () => rmSync(claimed, { recursive: true, force: true });
    return [
      {
        instance,
        entries,
        lines: read.map(({ line }) => line),
        head: head && { boot: head.boot, counter: head.counter },
        forget,
      },
    ];
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

function entriesIn(folder: string): { readonly entry: AuditEntry; readonly line: string }[] {
  const text = readFileSync(join(folder, SPOOL_FILE), { encoding: 'utf8', flag: 'a+' });
  return text.split('\n').flatMap((line) => {
    try {
      return line ? [{ entry: JSON.parse(line) as AuditEntry, line }] : [];
    } catch {
      // The last line of a process that was killed while writing; its `record` never returned.
      return [];
    }
  });
}

/** Written when the spool was last empty; nothing rests on it but the naming of a loss. */
function headIn(folder: string): Leftover['head'] {
  try {
    const { boot, counter } = JSON.parse(readFileSync(join(folder, HEAD_FILE), 'utf8')) as { boot: string; counter: number };
    return { boot, counter };
  } catch {
    return undefined;
  }
}
