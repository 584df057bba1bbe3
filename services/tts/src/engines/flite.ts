import { MeshError } from '@smartlite/contracts/error';
import { z } from 'zod';
import type { EngineModule } from '@smartlite/chassis';
import type { SpeechChunk, SpeechRequest } from '../engine.ts';
import { fliteText } from './flite-phones.ts';
import { FileTooLarge, MemoryFiles } from './memory-files.ts';
import { runWasi } from './wasi.ts';
import { chunksOfWav } from './wav.ts';

const settingsSchema = z.object({
  /** Longest speech of one text: more than any text within the service's limit takes, unless it is spelled letter by letter. */
  seconds_max: z.number().positive().max(600).default(120),
  /** The voice that is warmed up: the one that is used where none is asked for. */
  voice: z.string().min(1),
});

/** Of the voices that are used: 16 kHz, 16 bits. */
const BYTES_PER_SECOND = 32_000;
const OUTPUT = 'speech.wav';

/** Flite as one WebAssembly artifact that holds program and voices. A text becomes audio in one go, at about 30 times real time. */
export const engine: EngineModule<SpeechRequest, SpeechChunk> = {
  artifactsAs: 'bytes',
  async load([program], settings) {
    if (program?.kind !== 'bytes') throw new Error('flite needs one artifact as bytes: its WebAssembly program');
    const module = await WebAssembly.compile(program.bytes as Uint8Array<ArrayBuffer>);
    const { seconds_max: secondsMax, voice } = settingsSchema.parse(settings);
    // The runtime compiles what is used when it is first used: nobody should wait for that.
    await synthesise(module, { text: 'Ready to speak.', voice, rate: 1 }, secondsMax);
    return { run: (request, signal) => speak(module, request, secondsMax, signal) };
  },
};

async function* speak(
  module: WebAssembly.Module,
  request: SpeechRequest,
  secondsMax: number,
  signal: AbortSignal,
): AsyncIterable<SpeechChunk> {
  for (const chunk of chunksOfWav(await synthesise(module, request, secondsMax))) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** The text is an argument of its own, so nothing in it is taken for an option. */
async function synthesise(module: WebAssembly.Module, request: SpeechRequest, secondsMax: number): Promise<Uint8Array> {
  const { voice, rate } = request;
  const files = new MemoryFiles(secondsMax * BYTES_PER_SECOND);
  const args = ['flite', '-voice', voice, '--setf', `duration_stretch=${1 / rate}`, ...fliteText(request), '-o', `/d/${OUTPUT}`];
  try {
    const { exitCode, complaint } = await runWasi(module, args, files);
    const wav = files.content(OUTPUT);
    if (exitCode === 0 && wav !== undefined) return wav;
    throw new MeshError('internal', `flite ended with exit code ${exitCode}`, { cause: complaint });
  } catch (caught) {
    if (caught instanceof FileTooLarge) {
      throw new MeshError('payload-too-large', `the text takes more than ${secondsMax} s to speak; send shorter sentences`);
    }
    throw caught;
  }
}
