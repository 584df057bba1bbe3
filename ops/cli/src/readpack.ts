import { readFile } from 'node:fs/promises';
import { type Pack, parsePack } from '@smartlite/trust';
import { Problem } from './problem.ts';

/** Reads and parses a model pack. Unreadable input is misuse: exit code 2, with the JSON pointer of the fault. */
export async function readPack(path: string): Promise<{ readonly pack: Pack; readonly bytes: Uint8Array }> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new Problem(
      `${path}: no model pack can be read there.`,
      'Name the pack with --pack, or take ops/MODEL_PACK.json from version control.',
      { exitCode: 2, cause },
    );
  });
  try {
    return { pack: parsePack(bytes), bytes };
  } catch (cause) {
    throw new Problem(
      `${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Mend the pack at the place named; its schema is ops/schemas/model-pack.schema.json.',
      { exitCode: 2, cause },
    );
  }
}
