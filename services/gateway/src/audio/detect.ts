import { MeshError } from '@smartlite/contracts';

export type Container = 'wav' | 'flac' | 'mp3' | 'ogg-vorbis' | 'ogg-opus';

/** Bytes that must be there before a container can be told. An Ogg file names its codec at the end of its first page's header. */
export const DETECT_BYTES = 64;

/** Tells the container by content: names and content types lie. Throws `unsupported-media` for what is no audio that we know. */
export function detect(head: Uint8Array): Container {
  const text = Buffer.from(head.subarray(0, DETECT_BYTES)).toString('latin1');
  if (text.startsWith('RIFF') && (text.length < 12 || text.slice(8, 12) === 'WAVE')) return 'wav';
  if (text.startsWith('fLaC')) return 'flac';
  if (text.startsWith('OggS')) return oggCodec(text);
  if (text.startsWith('ID3') || isMpegFrame(head)) return 'mp3';
  const named = FOREIGN.find(([, starts]) => starts.test(text))?.[0];
  throw new MeshError(
    'unsupported-media',
    `the body is ${named === undefined ? 'no audio that is known here' : `${named}, which is not decoded here`}: send WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus, or audio/l16;rate=16000`,
  );
}

/** What browsers and phones record as well, so that whoever sends it learns what it was. */
const FOREIGN: readonly (readonly [name: string, starts: RegExp])[] = [
  ['WebM or Matroska', /^\x1a\x45\xdf\xa3/],
  ['MP4 or M4A', /^[^]{4}ftyp/],
  ['AIFF', /^FORM/],
];

function oggCodec(text: string): Container {
  if (text.includes('OpusHead')) return 'ogg-opus';
  if (text.includes('\u0001vorbis')) return 'ogg-vorbis';
  throw new MeshError('unsupported-media', 'the Ogg file holds neither Vorbis nor Opus');
}

/** Eleven sync bits, then a version and layer that exist. */
function isMpegFrame([first = 0, second = 0]: Uint8Array): boolean {
  return first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x18) !== 0x08 && (second & 0x06) !== 0;
}
