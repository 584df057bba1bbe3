import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const markSchema = z.object({ pid: z.number(), started: z.string() });
const schema = z.object({
  format: z.literal('smartlite-mesh/1'),
  /** Its end is the mesh's end. */
  supervisor: markSchema,
  startedUnixMs: z.number(),
  /** False until every instance was ready once. */
  ready: z.boolean(),
  pack: z.string(),
  nats: z.object({ url: z.string(), credentials: z.string().nullable(), process: markSchema.nullable() }),
  gateway: z.string().nullable(),
  instances: z.array(
    z.object({
      service: z.string(),
      id: z.string(),
      process: markSchema.nullable(),
      grpc: z.string().nullable(),
      metrics: z.string().nullable(),
      addresses: z.record(z.string(), z.string()),
      restarts: z.number(),
    }),
  ),
});

/** What runs on this machine for this checkout: how the other commands find the mesh. */
export type MeshFile = z.infer<typeof schema>;

/** The mesh that was started last, whether or not it still runs; undefined where none was, or its file is unreadable. */
export async function readMesh(path: string): Promise<MeshFile | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export async function writeMesh(path: string, mesh: MeshFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${JSON.stringify(mesh, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export async function removeMesh(path: string): Promise<void> {
  await rm(path, { force: true });
}
