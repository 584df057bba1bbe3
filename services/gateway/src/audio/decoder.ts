import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { MPEGDecoder } from 'mpg123-decoder';
import { OggOpusDecoder } from 'ogg-opus-decoder';
import { parentPort, workerData } from 'node:worker_threads';
import type { Container } from './detect.ts';

// Runs in a worker thread: what these decoders make of hostile bytes stays there, and the thread can be ended at any time.

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
}
interface Decoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>;
  flush?(): Decoded | Promise<Decoded>;
  reset(): Promise<void>;
}

const MAKERS: Readonly<Record<Exclude<Container, 'wav'>, () => Decoder>> = {
  flac: () => new FLACDecoder(),
  mp3: () => new MPEGDecoder(),
  'ogg-vorbis': () => new OggVorbisDecoder(),
  'ogg-opus': () => new OggOpusDecoder(),
  'ogg-flac': () => new FLACDecoder(),
};

const { container } = workerData as { readonly container: Exclude<Container, 'wav'> };
const decoder = MAKERS[container]();

parentPort?.on('message', (bytes: Uint8Array | null) => {
  void work(bytes).then(
    ({ channelData, sampleRate }) => parentPort?.postMessage({ channels: channelData, rateHz: sampleRate }),
    () => parentPort?.postMessage(null),
  );
});

let hasEnded = false;

/** The sound of some bytes, or null: what is left of a recording at its end. Another one may follow. */
async function work(bytes: Uint8Array | null): Promise<Decoded> {
  await decoder.ready;
  if (hasEnded) await decoder.reset();
  hasEnded = bytes === null;
  if (bytes) return decoder.decode(bytes);
  return (await decoder.flush?.()) ?? { channelData: [], sampleRate: 0 };
}
