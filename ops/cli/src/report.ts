import { MeshError } from '@smartlite/contracts';
import { TrustError } from '@smartlite/trust';
import { CommanderError } from 'commander';
import { Problem } from './problem.ts';

interface SystemFault {
  readonly what: string;
  readonly remedy: string;
}

const NOT_PERMITTED: SystemFault = {
  what: 'may not be used by this user',
  remedy: 'Change its owner or mode, or name another folder: SMARTLITE_HOME.',
};
const NO_FOLDER: SystemFault = {
  what: 'cannot be made or opened: a part of its path is missing, no folder, or read-only',
  remedy: 'Mend it, or name another folder: SMARTLITE_HOME.',
};
const FULL: SystemFault = {
  what: 'has no space left',
  remedy: 'Free some, then run the command again; it goes on where it was.',
};
/** What the system refuses to any command, whatever it was about. */
const SYSTEM_FAULTS: Readonly<Record<string, SystemFault>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  ENOENT: NO_FOLDER,
  ENOTDIR: NO_FOLDER,
  EEXIST: { what: 'is there already, and is no folder', remedy: 'Name another one.' },
  EROFS: {
    what: 'lies on a disk that is read-only',
    remedy: 'Have it mounted for writing, or name another folder: SMARTLITE_HOME.',
  },
};

function systemFault(caught: unknown): SystemFault | undefined {
  const code = caught instanceof Error && 'code' in caught ? String(caught.code) : '';
  return Object.hasOwn(SYSTEM_FAULTS, code) ? SYSTEM_FAULTS[code] : undefined;
}

/** Says on stderr what went wrong and gives the exit code. A stack trace is shown only when asked for. */
export function report(caught: unknown, { debug }: { debug: boolean }): number {
  // Commander has already said what is wrong; help and version are no failure.
  if (caught instanceof CommanderError) return caught.exitCode === 0 ? 0 : 2;
  console.error(debug && caught instanceof Error ? (caught.stack ?? caught.message) : messageOf(caught));
  if (caught instanceof Problem) console.error(caught.remedy);
  else if (!debug && systemFault(caught) !== undefined) console.error(systemFault(caught)?.remedy);
  else if (caught instanceof TrustError)
    console.error('Restore the file that it names; npx smartlite doctor looks at all of them.');
  return exitCodeOf(caught);
}

function messageOf(caught: unknown): string {
  if (caught instanceof Problem) return caught.message;
  if (caught instanceof MeshError) return `${caught.reason}: ${caught.message}`;
  const fault = systemFault(caught);
  if (fault !== undefined)
    return `${(caught as NodeJS.ErrnoException).path ?? 'The disk'} ${fault.what} (${(caught as Error).message}).`;
  if (caught instanceof TrustError) return `${caught.code}: ${caught.message}`;
  const text = caught instanceof Error ? caught.message : String(caught);
  return `${text}\n(This was not expected; run the command again with --debug to see where it came from.)`;
}

function exitCodeOf(caught: unknown): number {
  if (caught instanceof Problem) return caught.exitCode;
  if (caught instanceof MeshError) return caught.code === 'invalid-argument' ? 2 : 1;
  const declared = (caught as { exitCode?: unknown } | null)?.exitCode;
  return declared === 2 ? 2 : 1;
}
