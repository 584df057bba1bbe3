import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { compareEachSecond } from './tuples.ts';
import { watchStore } from './watch.ts';

interface Store {
  readonly root: string;
  readonly models: string;
  readonly file: string;
}

function store(root: string): Store & { readonly places: { lock: string; pack: string; models: string } } {
  const models = join(root, 'models');
  mkdirSync(join(models, 'ears'), { recursive: true });
  const file = join(models, 'ears', 'script.json');
  const places = { lock: join(root, 'lock.json'), pack: join(root, 'pack.json'), models };
  for (const path of [file, places.lock, places.pack]) writeFileSync(path, 'good');
  return { root, models, file, places };
}

/** Writes through a shared mapping: no write call, so nothing that inotify tells of. */
const MAPPED = `
import mmap, sys
with open(sys.argv[1], 'r+b') as file:
    mapping = mmap.mmap(file.fileno(), 0)
    mapping[:4] = b'evil'
    mapping.flush()
`;

/** Each changes what a reader of the path would get, and nothing else that would betray it. */
const CHANGES: Readonly<Record<string, (store: Store) => void>> = {
  'a write in place': ({ file }) => writeFileSync(file, 'evil'),
  'a rename over it': ({ root, file }) => {
    writeFileSync(join(root, 'other'), 'evil');
    renameSync(join(root, 'other'), file);
  },
  'a write whose times are put back': ({ file }) => {
    const { atime, mtime } = statSync(file);
    writeFileSync(file, 'evil');
    utimesSync(file, atime, mtime);
  },
  'a write through a mapping': ({ file }) => void execFileSync('python3', ['-c', MAPPED, file]),
  'a second name for its inode': ({ root, file }) => linkSync(file, join(root, 'back-door')),
  'a symbolic link in its place': ({ root, file }) => {
    writeFileSync(join(root, 'other'), 'evil');
    rmSync(file);
    symlinkSync(join(root, 'other'), file);
  },
  'its folder swapped': ({ root, models }) => {
    mkdirSync(join(root, 'ears'));
    writeFileSync(join(root, 'ears', 'script.json'), 'evil');
    renameSync(join(models, 'ears'), join(root, 'gone'));
    renameSync(join(root, 'ears'), join(models, 'ears'));
  },
  'the whole root swapped': ({ root, models }) => {
    mkdirSync(join(root, 'new', 'ears'), { recursive: true });
    writeFileSync(join(root, 'new', 'ears', 'script.json'), 'evil');
    renameSync(models, join(root, 'gone'));
    renameSync(join(root, 'new'), models);
  },
  'its removal': ({ file }) => rmSync(file),
  'a file that nobody has listed': ({ models }) => writeFileSync(join(models, 'ears', 'more.onnx'), 'evil'),
  'a change of who may run it': ({ file }) => chmodSync(file, 0o4755),
};

/** Resolves once the change, made after the first look, was told of. */
async function changesSeen({ places, ...own }: ReturnType<typeof store>, change: (store: Store) => void): Promise<boolean> {
  const ending = new AbortController();
  const seen = Promise.withResolvers<true>();
  const following = compareEachSecond(places, ending.signal, {
    onStart: () => change(own),
    onChange: () => seen.resolve(true),
    onLock: async () => undefined,
  });
  await seen.promise;
  ending.abort();
  await following;
  return true;
}

describe('the tuples of a store', () => {
  it.concurrent.each(Object.keys(CHANGES))('show %s', async (name) => {
    using folder = temporaryFolder();
    expect(await changesSeen(store(folder.path), CHANGES[name] as (store: Store) => void)).toBe(true);
  });

  it('show another file mounted over it, of which inotify tells nothing', async () => {
    using folder = temporaryFolder();
    const own = store(folder.path);
    writeFileSync(join(folder.path, 'other'), 'evil');
    const mount = () => execFileSync('mount', ['--bind', join(folder.path, 'other'), own.file]);
    expect(await changesSeen(own, mount)).toBe(true);
    execFileSync('umount', [own.file]);
  });

  it('stand still while nothing changes, and end with the signal', async () => {
    using folder = temporaryFolder();
    const ending = new AbortController();
    let changes = 0;
    const places = store(folder.path).places;
    const following = compareEachSecond(places, ending.signal, { onChange: () => (changes += 1), onLock: async () => undefined });
    ending.abort();
    await following;
    expect(changes).toBe(0);
  });
});

describe('the watch of a store', () => {
  it.concurrent.each(Object.keys(CHANGES))('tells of %s by one tier or the other', async (name) => {
    using folder = temporaryFolder();
    const own = store(folder.path);
    const ending = new AbortController();
    const seen = Promise.withResolvers<void>();
    const change = CHANGES[name] as (store: Store) => void;
    const watching = watchStore(
      own.places,
      () => seen.resolve(),
      ending.signal,
      () => change(own),
    );
    await seen.promise;
    ending.abort();
    await watching;
  });

  it('tells of a change although its queue of events has overflowed before', async () => {
    using folder = temporaryFolder();
    const own = store(folder.path);
    const ending = new AbortController();
    const seen = Promise.withResolvers<void>();
    // All in one turn of the loop, so that nobody reads the queue meanwhile; two names, for equal events are one.
    const flood = () => {
      const events = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) + 1_000;
      const noise = ['noise-a', 'noise-b'].map((name) => join(folder.path, name));
      for (const path of noise) writeFileSync(path, '');
      for (let event = 0; event < events; event += 1) utimesSync(noise[event % 2] as string, event, event);
      writeFileSync(own.places.pack, 'evil');
    };
    const watching = watchStore(own.places, () => seen.resolve(), ending.signal, flood);
    await seen.promise;
    ending.abort();
    await watching;
  });
});
