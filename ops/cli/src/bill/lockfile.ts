import { parseStrictJson, readBounded } from '@smartlite/trust';
import { z } from 'zod';
import { Problem } from '../problem.ts';

/** A lockfile of some ten thousand packages. */
const LOCKFILE_BYTES_MAX = 32 * 1024 * 1024;

const names = z.record(z.string(), z.string()).optional();
const locked = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  link: z.boolean().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  dependencies: names,
  optionalDependencies: names,
  devDependencies: names,
});
const schema = z.looseObject({
  name: z.string(),
  version: z.string(),
  lockfileVersion: z.union([z.literal(2), z.literal(3)]),
  packages: z.record(z.string(), locked),
});

/** package-lock.json of npm 7 and later. */
export type Lockfile = z.infer<typeof schema>;
export type LockedPackage = z.infer<typeof locked>;

/** Throws Problem, exit code 2, for what is no such lockfile. */
export async function readLockfile(path: string): Promise<Lockfile> {
  try {
    return schema.parse(
      parseStrictJson(await readBounded(path, LOCKFILE_BYTES_MAX), { file: path, bytesMax: LOCKFILE_BYTES_MAX }),
    );
  } catch (cause) {
    throw new Problem(
      `${path}: no lockfile of npm can be read there (${reasonOf(cause)}).`,
      'Name a package-lock.json of npm 7 or later.',
      {
        exitCode: 2,
        cause,
      },
    );
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof z.ZodError) return `/${cause.issues[0]?.path.join('/') ?? ''}: ${cause.issues[0]?.message ?? ''}`;
  return (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause));
}

/** A workspace has its own name, another package that of its last folder: an alias says which package it really is. */
export function nameOf(path: string, { name }: LockedPackage): string {
  return name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
