import { MeshError } from '@smartlite/contracts';
import { CommanderError } from 'commander';
import { Problem } from './problem.ts';

/** Says on stderr what went wrong and gives the exit code. A stack trace is shown only when asked for. */
export function report(caught: unknown, { debug }: { debug: boolean }): number {
  // Commander has already said what is wrong; help and version are no failure.
  if (caught instanceof CommanderError) return caught.exitCode === 0 ? 0 : 2;
  console.error(debug && caught instanceof Error ? (caught.stack ?? caught.message) : messageOf(caught));
  if (caught instanceof Problem) console.error(caught.remedy);
  return exitCodeOf(caught);
}

function messageOf(caught: unknown): string {
  if (caught instanceof Problem) return caught.message;
  if (caught instanceof MeshError) return `${caught.reason}: ${caught.message}`;
  const text = caught instanceof Error ? caught.message : String(caught);
  return `${text}\n(This was not expected; run the command again with --debug to see where it came from.)`;
}

function exitCodeOf(caught: unknown): number {
  if (caught instanceof Problem) return caught.exitCode;
  if (caught instanceof MeshError) return caught.code === 'invalid-argument' ? 2 : 1;
  const declared = (caught as { exitCode?: unknown } | null)?.exitCode;
  return declared === 2 ? 2 : 1;
}
