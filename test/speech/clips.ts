import { readFile } from 'node:fs/promises';

export interface Clip {
  readonly file: string;
  readonly transcript: string;
  /** 16 kHz mono s16le. */
  readonly pcm: Uint8Array;
}

/** The recorded clips of this folder with what is said in them, shortest first. */
export async function clips(): Promise<readonly Clip[]> {
  const table = await readFile(new URL('transcripts.tsv', import.meta.url), 'utf8');
  const rows = table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'));
  const all = await Promise.all(
    rows.map(async ([file = '', transcript = '']) => ({ file, transcript, pcm: await samplesOf(file) })),
  );
  return all.toSorted((one, other) => one.pcm.length - other.pcm.length);
}

/** The sample data of a clip; its headers are known to be right. */
async function samplesOf(file: string): Promise<Uint8Array> {
  const bytes = await readFile(new URL(file, import.meta.url));
  for (let at = 12; at + 8 <= bytes.length; at += 8 + bytes.readUInt32LE(at + 4)) {
    if (bytes.toString('latin1', at, at + 4) === 'data')
      return new Uint8Array(bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4)));
  }
  throw new Error(`${file}: no data chunk`);
}
