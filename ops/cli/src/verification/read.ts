import {
  LOCK_BYTES_MAX,
  PACK_BYTES_MAX,
  parseTrust,
  readBounded,
  TRUST_BYTES_MAX,
  type TrustDocument,
  TrustError,
  trustOfRoots,
} from '@smartlite/trust';
import { Problem } from '../problem.ts';

/** Unreadable input is misuse, exit code 2; what a readable file says is judged by the verification. */
async function readInput(path: string, bytesMax: number, what: string, remedy: string): Promise<Uint8Array> {
  return readBounded(path, bytesMax).catch((cause: unknown) => {
    throw new Problem(`${path}: no ${what} can be read there (${reasonOf(cause)}).`, remedy, { exitCode: 2, cause });
  });
}

export function readLockFile(path: string): Promise<Uint8Array> {
  return readInput(path, LOCK_BYTES_MAX, 'lock', 'npx smartlite sign makes one; --lock names another.');
}

export function readPackFile(path: string): Promise<Uint8Array> {
  return readInput(path, PACK_BYTES_MAX, 'model pack', 'Name it with --pack, or take ops/MODEL_PACK.json from version control.');
}

/** A trust document (JSON), or root certificates (PEM): then fleet and generation are the lock's own word. */
export async function readTrustFile(path: string, lock: Uint8Array): Promise<TrustDocument> {
  const bytes = await readInput(
    path,
    TRUST_BYTES_MAX,
    'trust document or root certificate',
    'npm start makes a development domain; --trust names the root certificate of another.',
  );
  try {
    const text = Buffer.from(bytes).toString('latin1');
    if (text.trimStart().startsWith('{')) return parseTrust(bytes, path);
    return trustOfRoots(text, ...fleetOf(lock));
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    throw new Problem(caught.message, 'Give a root certificate in PEM form, or a trust document.', {
      exitCode: 2,
      cause: caught,
    });
  }
}

/** A lock that cannot be parsed is refused by the verification, with its own finding: here any fleet will do. */
function fleetOf(lock: Uint8Array): [fleet: string, generation: number] {
  try {
    const { fleet, generation } = JSON.parse(Buffer.from(lock).toString('utf8')) as Record<string, unknown>;
    return [typeof fleet === 'string' ? fleet : 'unknown', typeof generation === 'number' ? generation : 1];
  } catch {
    return ['unknown', 1];
  }
}

function reasonOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause));
}
