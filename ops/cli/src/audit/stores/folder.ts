import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LogFiles } from '@smartlite/tlog';
import { writeAtomically } from '@smartlite/trust';
import { Problem } from '../../problem.ts';

/** A log's files below a folder. One that is there and cannot be read is a problem, not a finding. */
export function logFolder(folder: string): LogFiles {
  return { read: (path) => readIfThere(join(folder, path)) };
}

/** Undefined where there is no such file. */
export async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Problem(`${file} cannot be read: ${String(code)}.`, 'Run the command as the user who runs the mesh.', {
      exitCode: 2,
      cause,
    });
  }
}

/** Remembers a checkpoint. */
export async function keep(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeAtomically(file, text, 0o600);
}
