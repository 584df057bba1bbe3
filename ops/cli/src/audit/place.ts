import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LogFault, type LogFiles, type NoteKey, parseVerifierKey } from '@smartlite/tlog';
import { parseTrust, type TrustDocument } from '@smartlite/trust';
import { readTrust } from '../domain/files.ts';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';
import { logFolder } from './stores/folder.ts';

export interface LogOptions {
  /** Folder of the log's files, instead of this machine's own log. */
  readonly log?: string;
  /** File with the log's public key. */
  readonly key?: string;
  readonly region: string;
  /** File with the trust document of the log's fleet, instead of this machine's own. */
  readonly trust?: string;
}

/** A log to be looked at: its files, its public key, and where checkpoints of it are remembered apart from it. */
export interface LogPlace {
  readonly folder: string;
  readonly files: LogFiles;
  readonly key: NoteKey;
  /** The writer's own memory, beside its key; undefined for a log from elsewhere. */
  readonly mark: string | undefined;
  /** What `audit verify` has seen before on this machine. */
  readonly seen: string;
  /** Whose instances may have written it; undefined where no trust document is at hand: then their signatures are not judged. */
  readonly trust: TrustDocument | undefined;
}

/** This machine's log of its fleet, or the one that the options name. */
export async function findLog(place: Place, { log, key, region, trust }: LogOptions): Promise<LogPlace> {
  const own = await ownLog(place, region);
  const folder = log ?? own?.folder;
  const keyFile = key ?? own?.key;
  if (folder === undefined || keyFile === undefined)
    throw new Problem(
      'There is no log of this machine yet: it has no trust domain.',
      'npm start makes one; or name a log and its key: --log DIR --key FILE.',
      { exitCode: 2 },
    );
  // This machine's own log may be gone, which is a finding; one that is named wrongly is misuse.
  if (log !== undefined && !(await stat(log).catch(() => undefined))?.isDirectory())
    throw new Problem(`${log}: there is no such folder.`, 'Name the folder that holds the log’s files: --log DIR.', {
      exitCode: 2,
    });
  const noteKey = await readKeyFile(keyFile);
  const document =
    trust === undefined ? (log === undefined ? await readTrust(place.trust) : undefined) : await readTrustDocument(trust);
  return {
    folder,
    trust: document,
    files: logFolder(folder),
    key: noteKey,
    mark: log === undefined && own ? own.mark : undefined,
    seen: join(
      place.state,
      'audit-seen',
      createHash('sha256').update(`${noteKey.name}+${noteKey.id}`).digest('hex').slice(0, 32),
    ),
  };
}

/** Reads a file with a verifier key. */
export async function readKeyFile(file: string): Promise<NoteKey> {
  const remedy =
    'It is the file log.vkey, in .smartlite/keys/audit-checkpoint/<fleet>/<region> of the machine that writes the log.';
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Problem(`${file}: the log's public key cannot be read.`, remedy, { exitCode: 2, cause });
  });
  try {
    return parseVerifierKey(text, file);
  } catch (cause) {
    if (cause instanceof LogFault) throw new Problem(`${cause.message}.`, remedy, { exitCode: 2, cause });
    throw cause;
  }
}

/** The trust document that an option names. */
async function readTrustDocument(file: string): Promise<TrustDocument> {
  const remedy = 'It is the file trust.json in .smartlite of the fleet’s machines.';
  try {
    return parseTrust(await readFile(file), file);
  } catch (cause) {
    throw new Problem(`${file}: no trust document can be read there.`, remedy, { exitCode: 2, cause });
  }
}

async function ownLog(place: Place, region: string) {
  const trust = await readTrust(place.trust);
  if (!trust) return undefined;
  const keys = join(place.keys, 'audit-checkpoint', trust.fleet, region);
  return { folder: join(place.audit, trust.fleet, region), key: join(keys, 'log.vkey'), mark: join(keys, 'mark') };
}
