import type { EngineArtifact } from '@smartlite/chassis';
import type { SpeechRequest } from '../../services/tts/src/engine.ts';
import { espeakText } from '../../services/tts/src/engines/espeak-phonemes.ts';
import { fliteText } from '../../services/tts/src/engines/flite-phones.ts';
import { MemoryFiles } from '../../services/tts/src/engines/memory-files.ts';
import { importVerified } from '../../services/tts/src/engines/verified-import.ts';
import { runWasi } from '../../services/tts/src/engines/wasi.ts';
import { modelOfPack } from './artifacts.ts';

const SPEECH_BYTES_MAX = 4_000_000;

type StartEspeak = (options: object) => Promise<Espeak>;
interface Espeak {
  readonly FS: { writeFile(path: string, text: string): void; readFile(path: string): Uint8Array };
}

/** What Flite itself says it speaks (`-ps`): CMU phones, pauses left out. */
export async function phonesOfFlite(request: Pick<SpeechRequest, 'text' | 'pronounced'>): Promise<string> {
  const [program] = await bytesOf('flite');
  const args = ['flite', '-voice', 'slt', '-ps', ...fliteText(request), '-o', '/d/speech.wav'];
  const { exitCode, complaint } = await runWasi(await WebAssembly.compile(program), args, new MemoryFiles(SPEECH_BYTES_MAX));
  if (exitCode !== 0) throw new Error(`flite ended with ${exitCode}: ${complaint}`);
  return complaint
    .replaceAll(/\bpau\b/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** What eSpeak itself says it speaks (`--ipa`): IPA, one line for each clause. */
export async function phonesOfEspeak(request: Pick<SpeechRequest, 'text' | 'pronounced'>, voice: string): Promise<string> {
  const [glue, program] = await bytesOf('espeak-ng');
  const { default: start } = (await importVerified(glue, `phones-${voice}`)) as { default: StartEspeak };
  const module = await WebAssembly.compile(program);
  const runtime = await start({
    arguments: ['-f', '/text', '-w', '/speech.wav', '-v', voice, '--ipa=3', '--phonout=/phones', '-b', '1'],
    preRun: [({ FS }: Espeak) => FS.writeFile('/text', espeakText(request))],
    instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
      void WebAssembly.instantiate(module, imports).then(done);
      return {};
    },
    print: () => undefined,
    printErr: () => undefined,
  });
  return new TextDecoder().decode(runtime.FS.readFile('/phones'));
}

type Bytes = Uint8Array<ArrayBuffer>;

async function bytesOf(modelId: string): Promise<[Bytes, Bytes]> {
  const { artifacts } = await modelOfPack(modelId);
  return artifacts.map((artifact: EngineArtifact) => (artifact.kind === 'bytes' ? artifact.bytes : new Uint8Array())) as [
    Bytes,
    Bytes,
  ];
}
