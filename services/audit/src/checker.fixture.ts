import { createHash, type KeyObject, verify } from 'node:crypto';

// A second opinion on a log's files, written from the standards alone: nothing of the log's own code is used here, and the method is
// another one (the tree is computed from the definition, level by level, not grown at its edge).

const HASH = 32;
const WIDTH = 256;

/** Entries that the checkpoint covers. Throws where files and checkpoint do not agree. */
export function checkLog(files: ReadonlyMap<string, Uint8Array>, publicKey: KeyObject): number {
  const { size, root } = readHead(files, publicKey);
  const leaves = readLeaves(files, size);
  let level = leaves;
  for (let tileLevel = 0; level.length > 0; tileLevel += 1) {
    check(`level ${tileLevel}`, readHashes(files, tileLevel, level.length), level);
    level = parents(level, 8);
  }
  check('the root', [root], [rootOf(leaves)]);
  return size;
}

/** The entry that a proof file (https://c2sp.org/tlog-proof) proves. Throws where it proves nothing. */
export function checkProof(
  text: string,
  publicKey: KeyObject,
): { readonly entry: string; readonly index: number; readonly size: number } {
  const end = text.indexOf('\n\n');
  const [head, extra = '', index = '', ...path] = text.slice(0, end).split('\n');
  if (head !== 'c2sp.org/tlog-proof@v1' || !extra.startsWith('extra ') || !index.startsWith('index '))
    throw new Error('no proof');
  const entry = Buffer.from(extra.slice(6), 'base64');
  const { size, root } = openHead(text.slice(end + 2), publicKey);
  const at = Number(index.slice(6));
  checkInclusion({
    index: BigInt(at),
    size: BigInt(size),
    leaf: sha256('\0', entry),
    root,
    path: path.map((each) => Buffer.from(each, 'base64')),
  });
  return { entry: entry.toString('utf8'), index: at, size };
}

export interface Inclusion {
  readonly index: bigint;
  readonly size: bigint;
  readonly leaf: Buffer;
  readonly root: Buffer;
  readonly path: readonly Buffer[];
}

/** RFC 6962, 2.1.1, read backwards: the root is computed top-down along the splits, the last hash of the path being the topmost sibling. */
export function checkInclusion({ index, size, leaf, root, path }: Inclusion): void {
  if (index < 0n || index >= size) throw new Error(`no leaf ${index} in a tree of ${size}`);
  whole([leaf, root, ...path]);
  const left = [...path];
  const climb = (at: bigint, count: bigint): Buffer => {
    if (count === 1n) return leaf;
    const sibling = left.pop();
    if (!sibling) throw new Error('the path is too short');
    const split = splitOf(count);
    return at < split ? sha256('\u0001', climb(at, split), sibling) : sha256('\u0001', sibling, climb(at - split, count - split));
  };
  const computed = climb(index, size);
  if (left.length > 0) throw new Error('the path is too long');
  if (!computed.equals(root)) throw new Error('the path leads to another root');
}

export interface Consistency {
  readonly older: bigint;
  readonly newer: bigint;
  readonly olderRoot: Buffer;
  readonly newerRoot: Buffer;
  readonly proof: readonly Buffer[];
}

/** RFC 6962, 2.1.2, read backwards: both roots are computed along the splits of SUBPROOF. */
export function checkConsistency({ older, newer, olderRoot, newerRoot, proof }: Consistency): void {
  if (older < 1n || older > newer) throw new Error(`${older} leaves cannot be the beginning of ${newer}`);
  if (older === newer) {
    if (proof.length > 0 || !olderRoot.equals(newerRoot))
      throw new Error('two trees of one size are one tree, and need no proof');
    return;
  }
  whole([olderRoot, newerRoot, ...proof]);
  const left = [...proof];
  const next = () => left.pop() ?? fail('the proof is too short');
  const walk = (old: bigint, count: bigint, complete: boolean): readonly [Buffer, Buffer] => {
    if (old === count) {
      const hash = complete ? olderRoot : next();
      return [hash, hash];
    }
    const split = splitOf(count);
    const sibling = next();
    if (old <= split) {
      const [oldRoot, newRoot] = walk(old, split, complete);
      return [oldRoot, sha256('\u0001', newRoot, sibling)];
    }
    const [oldRoot, newRoot] = walk(old - split, count - split, false);
    return [sha256('\u0001', sibling, oldRoot), sha256('\u0001', sibling, newRoot)];
  };
  const [oldRoot, newRoot] = walk(older, newer, true);
  if (left.length > 0) throw new Error('the proof is too long');
  if (!oldRoot.equals(olderRoot) || !newRoot.equals(newerRoot)) throw new Error('the proof leads to other roots');
}

/** The largest power of two below. */
function splitOf(count: bigint): bigint {
  let split = 1n;
  while (split * 2n < count) split *= 2n;
  return split;
}

function whole(hashes: readonly Buffer[]): void {
  if (hashes.some(({ length }) => length !== HASH)) throw new Error('a hash is not one');
}

function fail(what: string): never {
  throw new Error(what);
}

function readHead(files: ReadonlyMap<string, Uint8Array>, publicKey: KeyObject) {
  return openHead(Buffer.from(files.get('checkpoint') ?? []).toString('utf8'), publicKey);
}

function openHead(note: string, publicKey: KeyObject) {
  const [text = '', signature = ''] = note.split('\n\n');
  const [, encoded = ''] = /^— \S+ (\S+)\n$/.exec(signature) ?? [];
  if (!verify(null, Buffer.from(`${text}\n`), publicKey, Buffer.from(encoded, 'base64').subarray(4)))
    throw new Error('the checkpoint is not signed by this key');
  const [, size = '', root = ''] = text.split('\n');
  return { size: Number(size), root: Buffer.from(root, 'base64') };
}

function readLeaves(files: ReadonlyMap<string, Uint8Array>, size: number): Buffer[] {
  const leaves: Buffer[] = [];
  for (let bundle = 0; bundle * WIDTH < size; bundle += 1) {
    const bytes = tile(files, 'entries', bundle, Math.min(WIDTH, size - bundle * WIDTH));
    let at = 0;
    for (let entry = 0; entry < Math.min(WIDTH, size - bundle * WIDTH); entry += 1) {
      const length = bytes.readUInt16BE(at);
      leaves.push(sha256('\0', bytes.subarray(at + 2, at + 2 + length)));
      at += 2 + length;
    }
    if (at !== bytes.length) throw new Error(`bundle ${bundle} has bytes after its last entry`);
  }
  return leaves;
}

function readHashes(files: ReadonlyMap<string, Uint8Array>, level: number, count: number): Buffer[] {
  const hashes: Buffer[] = [];
  for (let index = 0; index * WIDTH < count; index += 1) {
    const bytes = tile(files, String(level), index, Math.min(WIDTH, count - index * WIDTH));
    for (let at = 0; at < bytes.length; at += HASH) hashes.push(bytes.subarray(at, at + HASH));
  }
  return hashes;
}

function tile(files: ReadonlyMap<string, Uint8Array>, level: string, index: number, width: number): Buffer {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const path = digits.replace(/(\d{3})(?=\d)/g, 'x$1/');
  const name = `tile/${level}/${path}${width === WIDTH ? '' : `.p/${width}`}`;
  const bytes = files.get(name);
  if (!bytes) throw new Error(`${name} is missing`);
  return Buffer.from(bytes);
}

/** The complete nodes so many levels above. */
function parents(level: readonly Buffer[], times: number): Buffer[] {
  if (times === 0) return [...level];
  const above = Array.from({ length: Math.floor(level.length / 2) }, (_, at) =>
    sha256('\u0001', level[2 * at] as Buffer, level[2 * at + 1] as Buffer),
  );
  return parents(above, times - 1);
}

/** RFC 6962, 2.1, as it is defined. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Buffer;
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return sha256('\u0001', rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

function sha256(...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function check(what: string, stored: readonly Buffer[], computed: readonly Buffer[]): void {
  const at = computed.findIndex((hash, index) => !stored[index]?.equals(hash));
  if (at >= 0 || stored.length !== computed.length) throw new Error(`${what}: hash ${at} is not that of its entries`);
}
