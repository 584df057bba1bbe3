import { MeshError } from '@smartlite/contracts';

export type Container = 'wav' | 'flac' | 'mp3' | 'ogg-vorbis' | 'ogg-opus' | 'ogg-flac';

/** Bytes that must be there before a container can be told. An Ogg file names its codec at the end of its first page's header. */
export const DETECT_BYTES = 64;

/** Tells the container by content: names and content types lie. Throws `unsupported-media` for what is no audio that we know. */
export function detect(head: Uint8Array): Container {
  const text = Buffer.from(head.subarray(0, DETECT_BYTES)).toString('latin1');
  if (/^(RIFF|RF64|BW64)([^]{4}WAVE|[^]{0,7}$)/.test(text)) return 'wav';
  if (text.startsWith('fLaC')) return 'flac';
  if (text.startsWith('OggS')) return oggCodec(text);
  if (text.startsWith('ID3') || isMpegFrame(head)) return 'mp3';
  const named = FOREIGN.find(([, starts]) => starts.test(text))?.[0];
  throw new MeshError(
    'unsupported-media',
    `the body is ${named === undefined ? 'no audio that is known here' : `${named}, which is not decoded here`}: send WAV, FLAC, MP3 or Ogg (Vorbis, Opus, FLAC), or audio/l16;rate=16000`,
  );
}

/** What browsers, phones and editors record as well, and what is sent by mistake, so that whoever sends it learns what it was. */
const FOREIGN: readonly (readonly [name: string, starts: RegExp])[] = [
  ['WebM or Matroska', /^\x1a\x45\xdf\xa3/],
  ['MP4 or M4A', /^[^]{4}ftyp/],
  ['AAC', /^\xff[\xf0\xf1\xf8\xf9]/],
  ['AMR', /^#!AMR/],
  ['WMA', /^\x30\x26\xb2\x75/],
  ['AIFF', /^FORM/],
  ['CAF', /^caff/],
  ['AU', /^\.snd/],
  ['Wave64', /^riff\x2e\x91/],
  ['big-endian WAV (RIFX)', /^RIFX/],
  ['gzip', /^\x1f\x8b/],
  ['a multipart form and not the file itself', /^--[\w-]{16,}(\r|$)/],
  ['JSON and not the file itself', /^\s*[{[]/],
];

function oggCodec(text: string): Container {
  if (text.includes('OpusHead')) return 'ogg-opus';
  if (text.includes('\u0001vorbis')) return 'ogg-vorbis';
  if (text.includes('\u007fFLAC')) return 'ogg-flac';
  throw new MeshError('unsupported-media', 'the Ogg file holds neither Vorbis, Opus nor FLAC');
}

/** Eleven sync bits, then a version and layer that exist. */
function isMpegFrame([first = 0, second = 0]: Uint8Array): boolean {
  return first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x18) !== 0x08 && (second & 0x06) !== 0;
}
