import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type LatencyProfile,
  type Pack,
  PACK_BYTES_MAX,
  parseLatencyProfile,
  parsePack,
  profileContradictions,
  readBounded,
  TrustError,
} from '@smartlite/trust';
import { Problem } from './problem.ts';

/** The older form of the pack's latency profile, beside the pack. It need not be there. */
const OLDER_PROFILE = 'latency_profile.json';

/** Reads and parses a model pack. Unreadable input is misuse: exit code 2, with the JSON pointer of each fault. */
export async function readPackAlone(path: string): Promise<{ readonly pack: Pack; readonly bytes: Uint8Array }> {
  const bytes = await readBounded(path, PACK_BYTES_MAX).catch((cause: unknown) => {
    throw new Problem(
      `${path}: no model pack can be read there.`,
      'Name the pack with --pack, or take ops/MODEL_PACK.json from version control.',
      { exitCode: 2, cause },
    );
  });
  const remedy = 'Mend the pack at the place named; its schema is ops/schemas/model-pack.schema.json.';
  return { pack: parsed(() => parsePack(bytes), path, remedy), bytes };
}

/**
 * Reads and parses a model pack, and holds it against the older latency profile where one lies beside it. Unreadable input, or two
 * files that contradict each other, is misuse: exit code 2, with the JSON pointer of each fault.
 */
export async function readPack(path: string): Promise<{ readonly pack: Pack; readonly bytes: Uint8Array }> {
  const read = await readPackAlone(path);
  await refuseContradictions(read.pack, join(dirname(path), OLDER_PROFILE));
  return read;
}

/** Reads the older form of a latency profile. Unreadable input is misuse: exit code 2, with the JSON pointer of each fault. */
export async function readLatencyProfile(path: string): Promise<LatencyProfile> {
  const bytes = await readBounded(path, PACK_BYTES_MAX).catch((cause: unknown) => {
    throw new Problem(`${path}: no latency profile can be read there.`, 'Name the file as the first argument.', {
      exitCode: 2,
      cause,
    });
  });
  return parsed(
    () => parseLatencyProfile(bytes),
    path,
    'Mend it at the place named; its schema is ops/schemas/latency-profile.schema.json.',
  );
}

async function refuseContradictions(pack: Pack, path: string): Promise<void> {
  if (!existsSync(path)) return;
  const faults = profileContradictions(await readLatencyProfile(path), pack);
  if (faults.length === 0) return;
  throw new Problem(
    `${path} contradicts the pack:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    'The pack decides: change it to the figures that you mean, or remove the older file. npx smartlite models convert-latency-profile prints what it says.',
    { exitCode: 2 },
  );
}

function parsed<T>(parse: () => T, path: string, remedy: string): T {
  try {
    return parse();
  } catch (cause) {
    const said = cause instanceof TrustError ? cause.findings.map(({ message }) => message).join('\n') : String(cause);
    throw new Problem(`${path}: ${said}`, remedy, { exitCode: 2, cause });
  }
}
