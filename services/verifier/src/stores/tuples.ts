import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from './pause.ts';
import type { Suspects } from './suspicion.ts';

/** How often the tuples are compared: a change that inotify has missed is seen after this at the latest. */
const STAT_EVERY_MS = 1_000;
/** Files that are looked at each second. More, and the schedule alone looks. */
const FILES_MAX = 20_000;

export interface WatchedPlaces {
  readonly lock: string;
  readonly pack: string;
  readonly models: string;
  /** Paths in the models' folder that are looked at however many others lie there. */
  readonly listed?: () => readonly string[];
}

export interface TupleListener {
  /** After the first look, which all later ones are compared with. */
  readonly onStart?: (() => void) | undefined;
  readonly onChange: (suspects: Suspects) => void;
  readonly onLock: () => Promise<void>;
  /** The models' folder is another one than before. */
  readonly onRoot?: () => void;
}

/**
 * The second tier: the tuple of each path's inode, each second. It sees whatever leaves a trace there, whoever made the change and
 * however many events were lost; blind to bytes that change below the file system, and to a mapping's writes until they are flushed.
 */
export async function compareEachSecond(
  places: WatchedPlaces,
  signal: AbortSignal,
  { onStart = () => {}, onChange, onLock, onRoot = () => {} }: TupleListener,
): Promise<void> {
  let seen = await tuples(places);
  onStart();
  while (!signal.aborted) {
    await pause(STAT_EVERY_MS, signal);
    const now = await tuples(places);
    if (now.root !== seen.root) onRoot();
    const moved = differing(seen.models, now.models);
    if (now.pack !== seen.pack) onChange(null);
    else if (moved.length > 0) onChange(moved);
    if (now.lock !== seen.lock) await onLock();
    seen = now;
  }
}

interface Tuples {
  /** Which folder it is, whatever happens in it. */
  readonly root: string;
  /** By path in the models' folder; its own is empty. */
  readonly models: ReadonlyMap<string, string>;
  readonly pack: string;
  readonly lock: string;
}

async function tuples({ lock, pack, models, listed = () => [] }: WatchedPlaces): Promise<Tuples> {
  const files = (await readdir(models, { recursive: true }).catch(() => [])).slice(0, FILES_MAX);
  const lines = await Promise.all(
    ['', ...listed(), ...files].map(async (path) => [path, await tuple(join(models, path))] as const),
  );
  return { root: await identity(models), models: new Map(lines), pack: await tuple(pack), lock: await tuple(lock) };
}

function differing(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] {
  const paths = new Set([...before.keys(), ...now.keys()]);
  return [...paths].filter((path) => before.get(path) !== now.get(path));
}

async function identity(path: string): Promise<string> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined);
  return stat === undefined ? '-' : `${stat.dev} ${stat.ino}`;
}

async function tuple(path: string): Promise<string> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined);
  if (stat === undefined) return '-';
  return [stat.dev, stat.ino, stat.mode, stat.uid, stat.nlink, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}
