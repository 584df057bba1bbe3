import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failureSchema } from '@smartlite/trust';
import { z } from 'zod';
import type { Journal } from '../engine.ts';

const memorySchema = z.strictObject({
  format: z.literal('smartlite-verifier/1'),
  epoch: z.int().min(0),
  failures: z.array(failureSchema).max(10_000),
});
type Memory = z.infer<typeof memorySchema>;
const NOTHING: Memory = { format: 'smartlite-verifier/1', epoch: 0, failures: [] };

/** A JSON file, replaced as a whole: written, synced, renamed, and its folder synced. A crash leaves the old one or the new one. */
export function journalFile(file: string): Journal {
  let memory = NOTHING;
  let last: Promise<void> = Promise.resolve();
  return {
    async read() {
      memory = await load(file);
      return memory;
    },
    keep(change) {
      memory = {
        ...memory,
        ...('epoch' in change && { epoch: Math.max(memory.epoch, change.epoch ?? 0) }),
        ...(change.failures && { failures: [...change.failures] }),
      };
      const next = JSON.stringify(memory);
      last = last.catch(() => undefined).then(() => replace(file, next));
      return last;
    },
  };
}

/** A missing file is a first start; a damaged one is refused, for forgetting would let an epoch be used twice. */
async function load(file: string): Promise<Memory> {
  const text = await readFile(file, 'utf8').catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'ENOENT') return undefined;
    throw caught;
  });
  if (text === undefined) return NOTHING;
  const parsed = memorySchema.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new Error(`${file} is damaged; the control log holds the same facts, so remove the file if the log is intact`);
  return parsed.data;
}

async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.next`;
  await synced(next, (handle) => handle.writeFile(text));
  await rename(next, file);
  await synced(dirname(file), async () => undefined, 'r');
}

async function synced(
  path: string,
  write: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
  flags = 'w',
): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    await write(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where the memory of one verifier lies. */
export function journalPath(home: string, instance: string): string {
  return join(home, 'verifier', `${instance}.json`);
}
