import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process as one can recognise it again: pids are reused, a pid with its start time is not. */
export interface ProcessMark {
  readonly pid: number;
  readonly started: string;
}

/** Marks a running process; undefined when there is none with this pid. */
export function markOf(pid: number): ProcessMark | undefined {
  const started = process.platform === 'linux' ? startedLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

/** True while the very process that was marked runs. A process that has ended and waits to be reaped does not run. */
export function isRunning(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.started === mark.started;
}

/** Signals the marked process if it still runs; says whether it did. */
export function signal(mark: ProcessMark, name: NodeJS.Signals): boolean {
  if (!isRunning(mark)) return false;
  try {
    return process.kill(mark.pid, name);
  } catch {
    return false; // Ended between the two looks, or another user's.
  }
}

/** Field 22 of /proc/<pid>/stat: clock ticks after boot. The command in field 2 may hold spaces and brackets. */
function startedLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startedElsewhere(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}
