// One voice turn through a whole mesh on this machine, beside the same models called bare in this process.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { engine as moonshine } from '../../services/asr/src/engines/moonshine.ts';
import { engine as flite } from '../../services/tts/src/engines/flite.ts';
import { type RealMesh, realMesh } from '../mesh/realmesh.ts';
import { modelOfPack } from '../speech/artifacts.ts';
import { clips } from '../speech/clips.ts';
import { gathered } from '../speech/gathered.ts';
import { residentMemory, spread } from './measure.ts';

const CLIP = 'goforward.wav';
const ANSWER = 'Going forward 10 meters.';
const STARTS = 3;
const TURNS = 10;
const PIECE_MS = 100;
const WAV_HEADER_BYTES = 44;
const BYTES_PER_MS = 32;
const NEVER = new AbortController().signal;

export default async function turn(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'smartlite-bench-'));
  try {
    await (await realMesh({ home }))[Symbol.asyncDispose]();
    const starts: number[] = [];
    for (let start = 0; start < STARTS; start += 1) starts.push(await warmStart(home, start === STARTS - 1));
    console.log(`warm start to ready                     ${spread(starts, 's', 1)}   mark 15 s`);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function warmStart(home: string, measureTurns: boolean): Promise<number> {
  const began = performance.now();
  await using mesh = await realMesh({ home });
  const seconds = (performance.now() - began) / 1_000;
  if (measureTurns) await turns(mesh);
  return seconds;
}

async function turns(mesh: RealMesh): Promise<void> {
  const bare = await bareEngines();
  const [first, ratio]: [number[], number[]] = [[], []];
  await firstAudioMs(mesh);
  for (let index = 0; index < TURNS; index += 1) {
    const [ms, bareMs] = [await firstAudioMs(mesh), await bare()];
    first.push(ms);
    ratio.push(ms / bareMs);
  }
  console.log(`end of a 2.8 s utterance to first audio ${spread(first, 'ms')}   mark 2000 ms`);
  console.log(`the same, over bare recognition + voice ${spread(ratio, 'x', 2)}`);
  const { rssBytes, pssBytes } = residentMemory(mesh.pid);
  console.log(`resident memory of all processes        ${(pssBytes / 1e9).toFixed(2)} GB, shared pages once   mark 2.5 GB`);
  console.log(`the same, shared pages for each process ${(rssBytes / 1e9).toFixed(2)} GB`);
}

/** Speaks as fast as a person does; from the last sample sent to the first audio that comes back. */
async function firstAudioMs({ gateway, apiKey }: RealMesh): Promise<number> {
  const audio = readFileSync(new URL(`../speech/${CLIP}`, import.meta.url));
  let ended = 0;
  const speaking = async function* () {
    yield audio.subarray(0, WAV_HEADER_BYTES);
    for (let at = WAV_HEADER_BYTES; at < audio.length; at += PIECE_MS * BYTES_PER_MS) {
      await wait(PIECE_MS);
      yield audio.subarray(at, at + PIECE_MS * BYTES_PER_MS);
    }
    ended = performance.now();
  };
  const response = await fetch(`${gateway}/v1/voice/turns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'audio/wav' },
    body: ReadableStream.from(speaking()),
    duplex: 'half',
  } as RequestInit);
  if (!response.ok || response.body === null) throw new Error(`the turn failed: ${response.status} ${await response.text()}`);
  let [text, heard] = ['', 0];
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (heard === 0 && text.includes('event: audio')) heard = performance.now();
  }
  if (heard === 0) throw new Error(`no audio came back: ${text.slice(-300)}`);
  return heard - ended;
}

/** What no mesh can undercut: the final recognition of the utterance and the first spoken sentence, alone in this process. */
async function bareEngines(): Promise<() => Promise<number>> {
  const [heard, spoken] = [await modelOfPack('moonshine-base'), await modelOfPack('flite')];
  const asr = await moonshine.load(heard.artifacts, heard.settings);
  const tts = await flite.load(spoken.artifacts, spoken.settings);
  const pcm = (await clips()).find(({ file }) => file === CLIP)?.pcm ?? new Uint8Array();
  return async () => {
    const began = performance.now();
    await gathered(asr.run({ pcm }, NEVER));
    await gathered(tts.run({ text: ANSWER, voice: 'slt', rate: 1 }, NEVER));
    return performance.now() - began;
  };
}
