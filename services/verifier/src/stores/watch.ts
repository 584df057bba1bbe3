import { watch } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { canonicalBytes, parseLock, sha256Hex } from '@smartlite/trust';

/**
 * Two of three tiers that see a change. inotify: within milliseconds, blind to writes through a mapping and to bind mounts. The tuple
 * of stat, each second: sees all that leaves a trace in the inode. The third, reading the bytes again, is the verifier's schedule.
 */
const STAT_EVERY_MS = 1_000;
/** One write makes many events: they are gathered for so long, which delays a finding less than hashing does. */
const GATHER_MS = 5;
/** Files that are looked at each second. More, and the schedule alone looks. */
const FILES_MAX = 20_000;

export interface WatchedPlaces {
  readonly lock: string;
  readonly pack: string;
  readonly models: string;
}

/** Calls back on every sign that lock, pack or models have changed. A sign is a suspicion: the bytes decide. Ends with the signal. */
export async function watchStore(places: WatchedPlaces, onChange: () => void, signal: AbortSignal): Promise<void> {
  const lock = await LockContent.of(places.lock);
  let gathering = false;
  const gather = () => {
    if (gathering) return;
    gathering = true;
    setTimeout(() => {
      gathering = false;
      if (!signal.aborted) onChange();
    }, GATHER_MS);
  };
  const suspectLock = async () => {
    if (await lock.changed()) gather();
  };
  notify(places.models, true, signal, gather);
  notify(dirname(places.pack), false, signal, (file) => file === basename(places.pack) && gather());
  notify(dirname(places.lock), false, signal, (file) => file === basename(places.lock) && void suspectLock());
  await compareEachSecond(places, signal, gather, suspectLock);
}

/** inotify. A watch that fails or overflows leaves the work to the tuples. */
function notify(folder: string, recursive: boolean, signal: AbortSignal, onEvent: (file: string | null) => unknown): void {
  try {
    const watcher = watch(folder, { recursive, signal, persistent: false }, (_event, file) => onEvent(file));
    watcher.on('error', () => onEvent(null));
  } catch {
    // A folder that is not there yet is seen by the tuples as soon as it is.
  }
}

async function compareEachSecond(
  places: WatchedPlaces,
  signal: AbortSignal,
  onChange: () => void,
  onLock: () => Promise<void>,
): Promise<void> {
  let seen = await tuples(places);
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
  const lines = await Promise.all([pack, ...files.map((file) => join(models, file))].map(tuple));
  return { models: lines.join('\n'), lock: await tuple(lock) };
}

async function tuple(path: string): Promise<string> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined);
  if (stat === undefined) return `${path} -`;
  return [path, stat.dev, stat.ino, stat.mode, stat.nlink, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}

/** What the lock file says, its runtime state left out: rewriting that is no change. */
class LockContent {
  readonly #path: string;
  #seen = '';

  static async of(path: string): Promise<LockContent> {
    const content = new LockContent(path);
    await content.changed();
    return content;
  }

  private constructor(path: string) {
    this.#path = path;
  }

  async changed(): Promise<boolean> {
    const now = await this.#read();
    const changed = now !== this.#seen;
    this.#seen = now;
    return changed;
  }

  async #read(): Promise<string> {
    try {
      const { runtime_state: _state, ...rest } = parseLock(await readFile(this.#path));
      return sha256Hex(canonicalBytes(rest));
    } catch (caught) {
      return `unreadable: ${String(caught)}`;
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
