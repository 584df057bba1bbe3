import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestEntry } from '@smartlite/trust';
import { attack } from './attack.ts';
import type { Stage } from './stage.ts';

const A = 'alpha/data.bin';
/** Nobody of this machine. */
const FOREIGN = 12_345;

/** On how artifacts lie on the disk. */
export const FILES = [
  attack('extra file', 'FILE_UNLISTED', 'safe', (stage) => writeFileSync(stage.file('alpha/extra.bin'), 'x')),
  attack('extra dotfile', 'FILE_UNLISTED', 'safe', (stage) => writeFileSync(stage.file('alpha/.hidden'), 'x')),
  attack('extra empty directory', 'FILE_UNLISTED', 'safe', (stage) => mkdirSync(stage.file('alpha/empty'))),
  attack('extra file with a newline in its name', 'FILE_UNLISTED', 'safe', (stage) =>
    writeFileSync(stage.file('alpha/a\nb'), 'x'),
  ),
  attack('symlink to a file inside', 'FILE_SYMLINK', 'safe', (stage) =>
    replace(stage, (path) => symlinkSync('../beta/data.bin', path)),
  ),
  attack('symlink to a file outside', 'FILE_SYMLINK', 'safe', (stage) => {
    renameSync(stage.file(A), join(stage.home, 'elsewhere.bin'));
    symlinkSync(join(stage.home, 'elsewhere.bin'), stage.file(A));
  }),
  attack('symlink to nothing', 'FILE_SYMLINK', 'safe', (stage) => replace(stage, (path) => symlinkSync('nowhere', path))),
  attack('symlink to itself', 'FILE_SYMLINK', 'safe', (stage) => replace(stage, (path) => symlinkSync(path, path))),
  attack('symlink as a parent', 'FILE_SYMLINK', 'safe', (stage) => {
    renameSync(stage.file('alpha'), join(stage.home, 'alpha'));
    symlinkSync(join(stage.home, 'alpha'), stage.file('alpha'));
  }),
  attack('hard link', 'FILE_HARD_LINK', 'safe', (stage) => linkSync(stage.file(A), join(stage.home, 'second-name'))),
  attack('FIFO', 'FILE_NOT_REGULAR', 'safe', (stage) => replace(stage, (path) => execFileSync('mkfifo', [path]))),
  attack('device', 'FILE_NOT_REGULAR', 'safe', (stage) => replace(stage, (path) => execFileSync('mknod', [path, 'c', '1', '5']))),
  attack('socket', 'FILE_NOT_REGULAR', 'safe', (stage) => replace(stage, socketAt)),
  attack('directory in place of the file', 'FILE_NOT_REGULAR', 'safe', (stage) => replace(stage, (path) => mkdirSync(path))),
  attack('file in place of the directory', 'FILE_NOT_REGULAR', 'safe', (stage) => {
    rmSync(stage.file('alpha'), { recursive: true });
    writeFileSync(stage.file('alpha'), 'x');
  }),
  attack('setuid', 'FILE_SETUID', 'safe', (stage) => chmodSync(stage.file(A), 0o4644)),
  attack('setgid', 'FILE_SETUID', 'safe', (stage) => chmodSync(stage.file(A), 0o2644)),
  attack('foreign owner', 'FILE_FOREIGN_OWNER', 'safe', (stage) => chownSync(stage.file(A), FOREIGN, FOREIGN)),
  attack('unreadable', 'FILE_UNREADABLE', 'safe', (stage) => {
    chmodSync(stage.file(A), 0o000);
    // Root reads everything unless that right is taken from it.
    if (process.getuid?.() === 0) stage.launcher = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
  }),
  attack('path with ../', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, '../models/alpha/data.bin')),
  attack('absolute path', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, stage.file(A))),
  attack('path a/./b', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, 'alpha/./data.bin')),
  attack('path with NUL', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, 'alpha/data.bin\0.txt')),
  attack('path with newline', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, 'alpha/data\n.bin')),
  attack('path with backslash', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, 'alpha\\data.bin')),
  attack('path in decomposed Unicode', 'LOCK_PATH_UNSAFE', 'halted', (stage) => pathed(stage, 'alpha/e\u0301.bin')),
  attack('NFC and NFD twins', 'LOCK_PATH_UNSAFE', 'halted', (stage) => twins(stage, 'alpha/\u00e9.bin', 'alpha/e\u0301.bin')),
  attack('two entries with one path', 'LOCK_PATH_REPEATED', 'halted', (stage) => twins(stage, A, A)),
  attack('two paths that differ in case', 'LOCK_PATH_REPEATED', 'halted', (stage) => twins(stage, A, 'Alpha/data.bin')),
  attack('pickle under a harmless name', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from([0x80, 4, 0x95, 0, 0, 0, 0])),
  ),
  attack('archive of pickles', 'FORMAT_REFUSED', 'safe', (stage) => disguised(stage, Buffer.from('PK\u0003\u0004archive'))),
  attack('pickle of the oldest protocol', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from("cos\nsystem\n(S'id'\ntR.")),
  ),
  attack('pickle without its header', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from('\u008c\u0002os\u008c\u0006system\u0093\u008c\u0002id\u0085R.', 'latin1')),
  ),
  attack('pickle behind a value that it drops', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from("N0cos\nsystem\n(S'id'\ntR.")),
  ),
  attack('pickle of a plain dictionary', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from('}q\0X\u0001\0\0\0wq\u0001K\u0001s.', 'latin1')),
  ),
  attack('packed with zlib', 'FORMAT_REFUSED', 'safe', async (stage) => {
    const { deflateSync } = await import('node:zlib');
    return disguised(stage, deflateSync(Buffer.from("cos\nsystem\n(S'id'\ntR.")));
  }),
  attack('tar of pickles', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from(`${'storages'.padEnd(257, '\0')}ustar\0`)),
  ),
  attack('byte code of Python', 'FORMAT_REFUSED', 'safe', (stage) =>
    disguised(stage, Buffer.from('\u00f3\r\r\n\0\0\0\0and more', 'latin1')),
  ),
  attack('program', 'FORMAT_REFUSED', 'safe', (stage) => disguised(stage, Buffer.from('\u007fELF and more'))),
  attack('artifact that could pass for a signed object', 'TAGGED_AS_SIGNED', 'safe', (stage) =>
    disguised(stage, Buffer.from('DSSEv1 4 type 3 abc')),
  ),
];

function replace(stage: Stage, make: (path: string) => void): void {
  rmSync(stage.file(A));
  make(stage.file(A));
}

function socketAt(path: string): void {
  const program = 'import socket,sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])';
  execFileSync('python3', ['-c', program, path]);
}

/** Signed by the right key: the path rules are no matter of signatures. */
function pathed(stage: Stage, path: string): Promise<void> {
  return stage.forge(({ manifest: [first, ...rest] }) => ({ manifest: [{ ...(first as ManifestEntry), path }, ...rest] }));
}

function twins(stage: Stage, one: string, other: string): Promise<void> {
  return stage.forge(({ manifest: [first] }) => {
    const entry = first as ManifestEntry;
    return {
      manifest: [
        { ...entry, path: one },
        { ...entry, id: 'twin', path: other },
      ],
    };
  });
}

/** The lock lists these bytes as plain data, with the right digest. */
async function disguised(stage: Stage, bytes: Buffer): Promise<void> {
  const { createHash } = await import('node:crypto');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(stage.file(A), bytes);
  await stage.forge(({ manifest: [first, ...rest] }) => ({
    manifest: [{ ...(first as ManifestEntry), size: bytes.length, sha256 }, ...rest],
  }));
  stage.pack = Buffer.from(
    Buffer.from(stage.pack)
      .toString()
      .replace(/"size":\d+,"sha256":"[0-9a-f]{64}"/, `"size":${bytes.length},"sha256":"${sha256}"`),
  );
  const digest = `sha256:${createHash('sha256').update(stage.pack).digest('hex')}` as const;
  await stage.forge(({ pack }) => ({ pack: { ...pack, digest } }));
}
