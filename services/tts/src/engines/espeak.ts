import { MeshError } from '@smartlite/contracts/error';
import type { EngineModule } from '@smartlite/chassis';
import type { SpeechChunk, SpeechRequest } from '../engine.ts';
import { espeakText } from './espeak-phonemes.ts';
import { importVerified } from './verified-import.ts';
import { chunksOfWav } from './wav.ts';

/** eSpeak's usual rate in words a minute. */
const WORDS_PER_MINUTE = 155;
const INPUT = '/text.txt';
const OUTPUT = '/speech.wav';

/** The part that we use of a module made by Emscripten. */
interface Runtime {
  readonly FS: { writeFile(path: string, text: string): void; readFile(path: string): Uint8Array<ArrayBuffer> };
}
type StartRuntime = (options: {
  readonly arguments: readonly string[];
  readonly preRun: readonly ((runtime: Runtime) => void)[];
  readonly instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => object;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}) => Promise<Runtime>;

/**
 * eSpeak-NG: artifacts are Emscripten's glue (JavaScript) and its WebAssembly program with all voice data, in this order.
 * It is under the GPL and runs in this engine process alone, which speaks with the service by messages.
 */
export const engine: EngineModule<SpeechRequest, SpeechChunk> = {
  artifactsAs: 'bytes',
  async load([glue, program]) {
    if (glue?.kind !== 'bytes' || program?.kind !== 'bytes')
      throw new Error('espeak needs two artifacts as bytes: glue, program');
    const { default: start } = (await importVerified(glue.bytes, glue.digest)) as { default: StartRuntime };
    const module = await WebAssembly.compile(program.bytes as Uint8Array<ArrayBuffer>);
    return { run: (request, signal) => speak(start, module, request, signal) };
  },
};

async function* speak(
  start: StartRuntime,
  module: WebAssembly.Module,
  request: SpeechRequest,
  signal: AbortSignal,
): AsyncIterable<SpeechChunk> {
  for (const chunk of chunksOfWav(await synthesise(start, module, request))) {
    signal.throwIfAborted();
    yield chunk;
  }
}

async function synthesise(start: StartRuntime, module: WebAssembly.Module, request: SpeechRequest): Promise<Uint8Array> {
  const { voice, rate } = request;
  const complaints: string[] = [];
  // The glue never learns of a program that cannot be instantiated: it would wait for ever.
  const stillborn = Promise.withResolvers<never>();
  const instantiate = async (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) =>
    done(await WebAssembly.instantiate(module, imports));
  const started = start({
    arguments: ['-f', INPUT, '-w', OUTPUT, '-v', voice, '-s', `${Math.round(WORDS_PER_MINUTE * rate)}`, '-b', '1'],
    preRun: [({ FS }) => FS.writeFile(INPUT, espeakText(request))],
    instantiateWasm: (imports, done) => {
      instantiate(imports, done).catch(stillborn.reject);
      return {};
    },
    print: () => undefined,
    printErr: (line) => complaints.push(line),
  });
  const runtime = await Promise.race([started, stillborn.promise]);
  try {
    return runtime.FS.readFile(OUTPUT);
  } catch {
    throw new MeshError('internal', 'espeak wrote no audio', { cause: complaints.join('\n') });
  }
}
