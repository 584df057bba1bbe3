import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { canonicalBytes, LOCK_BYTES_MAX, nextPackPath, parseLock, readBounded, sha256Hex } from '@smartlite/trust';
import type { Suspects } from './suspicion.ts';
import { compareEachSecond, type WatchedPlaces } from './tuples.ts';

/** One write makes many events: they are gathered for so long, which delays a finding less than hashing does. */
const GATHER_MS = 5;

/** Calls back on every sign that lock, pack or models have changed. A sign is a suspicion: the bytes decide. Ends with the signal. */
export async function watchStore(
  places: WatchedPlaces,
  onChange: (suspects: Suspects) => void,
  signal: AbortSignal,
  onStart?: () => void,
): Promise<void> {
  const lock = await LockContent.of(places.lock);
  const gather = gathering(onChange, signal);
  const suspectLock = async () => {
    if (await lock.changed()) gather(null);
  };
  const watchModels = () => notify(places.models, true, signal, (file) => gather(file === null ? null : [file]));
  let models = watchModels();
  const onRoot = () => {
    models?.close();
    models = watchModels();
  };
  const packs = new Set([places.pack, nextPackPath(places.pack)].map((path) => basename(path)));
  notify(dirname(places.pack), false, signal, (file) => file !== null && packs.has(file) && gather(null));
  notify(dirname(places.lock), false, signal, (file) => file === basename(places.lock) && void suspectLock());
  await compareEachSecond(places, signal, { onStart, onChange: gather, onLock: suspectLock, onRoot });
}

/** Passes on all that is suspected within a few milliseconds in one. */
function gathering(onChange: (suspects: Suspects) => void, signal: AbortSignal): (suspects: Suspects) => void {
  let suspected: Set<string> | null = new Set();
  let waiting = false;
  const pass = () => {
    const suspects = suspected && [...suspected];
    suspected = new Set();
    waiting = false;
    if (!signal.aborted) onChange(suspects);
  };
  return (suspects) => {
    if (suspects === null) suspected = null;
    else for (const path of suspects) suspected?.add(path);
    if (!waiting) setTimeout(pass, GATHER_MS);
    waiting = true;
  };
}

/**
 * The first tier: inotify, within milliseconds. Blind to writes through a mapping, to bind mounts, and to what other hosts write to a
 * network file system. A queue that overflows tells nobody (libuv drops that event), and a folder that is replaced is watched no
 * longer: the tuples see all of these, and have the new folder watched. The third tier, reading every byte again, is the patrol.
 */
function notify(
  folder: string,
  recursive: boolean,
  signal: AbortSignal,
  onEvent: (file: string | null) => unknown,
): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { recursive, signal, persistent: false }, (_event, file) => onEvent(file));
    watcher.on('error', () => onEvent(null));
    return watcher;
  } catch {
    // A folder that is not there yet is seen by the tuples as soon as it is.
    return undefined;
  }
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
      const { runtime_state: _state, ...rest } = parseLock(await readBounded(this.#path, LOCK_BYTES_MAX));
      return sha256Hex(canonicalBytes(rest));
    } catch (caught) {
      return `unreadable: ${String(caught)}`;
    }
  }
}
