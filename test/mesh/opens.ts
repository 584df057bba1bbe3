import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One process as `strace -ff` has seen it: the program it ran, and every file it opened, by whichever of its threads. */
export interface TracedProcess {
  readonly pid: number;
  readonly program: string;
  readonly opened: readonly string[];
}

const THREAD = /^clone3?\(.*CLONE_THREAD.*\)?\s*=\s*(\d+)$/;
const EXEC = /^execve\("[^"]*", \[(.*?)\], .*\)\s*=\s*0$/;
const OPEN = /^open(?:at2?)?\((?:[^,]*, )?"([^"]*)".*\)\s*=\s*\d+$/;

/** Reads `prefix.<tid>` files of `strace -ff -e trace=execve,clone,clone3,open,openat,openat2`; threads are counted to their process. */
export function tracedProcesses(folder: string, prefix: string): readonly TracedProcess[] {
  const lines = new Map<number, readonly string[]>();
  for (const name of readdirSync(folder).filter((file) => file.startsWith(`${prefix}.`)))
    lines.set(Number(name.slice(prefix.length + 1)), readFileSync(join(folder, name), 'utf8').split('\n'));
  const threads = new Set(
    [...lines.values()]
      .flat()
      .flatMap((line) => THREAD.exec(line)?.[1] ?? [])
      .map(Number),
  );
  const linesOf = (tid: number): readonly string[] => {
    const own = lines.get(tid) ?? [];
    return [...own, ...own.flatMap((line) => linesOf(Number(THREAD.exec(line)?.[1] ?? Number.NaN)))];
  };
  return [...lines.keys()]
    .filter((tid) => !threads.has(tid))
    .map((pid) => {
      const all = linesOf(pid);
      const program = all.map((line) => EXEC.exec(line)?.[1]).findLast((words) => words !== undefined) ?? '';
      return { pid, program, opened: all.flatMap((line) => OPEN.exec(line)?.[1] ?? []) };
    });
}
