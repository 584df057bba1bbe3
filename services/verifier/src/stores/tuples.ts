import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from './pause.ts';

/** How often the tuples are compared: a change that inotify has missed is seen after this at the latest. */
const STAT_EVERY_MS = 1_000;
/** Files that are looked at each second. More, and the schedule alone looks. */
const FILES_MAX = 20_000;

export interface WatchedPlaces {
  readonly lock: string;
  readonly pack: string;
  readonly models: string;
}

export interface TupleListener {
  /** After the first look, which all later ones are compared with. */
  readonly onStart?: (() => void) | undefined;
  readonly onChange: () => void;
  readonly onLock: () => Promise<void>;
}

/**
 * The second tier: the tuple of each path's inode, each second. It sees whatever leaves a trace there, whoever made the change and
 * however many events were lost; blind to bytes that change below the file system, and to a mapping's writes until they are flushed.
 */
export async function compareEachSecond(
  places: WatchedPlaces,
  signal: AbortSignal,
  { onStart = () => {}, onChange, onLock }: TupleListener,
): Promise<void> {
  let seen = await tuples(places);
  onStart();
  while (!signal.aborted) {
    await pause(STAT_EVERY_MS, signal);
    const now = await tuples(places);
    if (now.models !== seen.models) onChange();
    if (now.lock !== seen.lock) await onLock();
    seen = now;
  }
}

/** One line for all models and the pack, one for the lock. */
async function tuples({ lock, pack, models }: WatchedPlaces): Promise<{ readonly models: string; readonly lock: string }> {
  const files = (await readdir(models, { recursive: true }).catch(() => [])).slice(0, FILES_MAX).toSorted();
  const lines = await Promise.all([pack, models, ...files.map((file) => join(models, file))].map(tuple));
  return { models: lines.join('\n'), lock: await tuple(lock) };
}

async function tuple(path: string): Promise<string> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined);
  if (stat === undefined) return `${path} -`;
  return [path, stat.dev, stat.ino, stat.mode, stat.uid, stat.nlink, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}
