import { MeshError, type StreamTranscribeResponse, type TranscribeResponse, type TurnResponse } from '@smartlite/contracts';
import { servedIn } from '../tiers.ts';
import type { Scene } from './scene.ts';

/** Audio held for from the start: whoever has not so much left is told before he speaks. */
export const ASR_FIRST_MS = 10_000;
export const PCM_BYTES_PER_MS = 32;

/**
 * Partial transcripts while the audio arrives, then the final one. Where an instance dies before that, another hears the audio from its
 * beginning; what has been shown already is not shown shorter.
 */
export async function* listen(scene: Scene, audio: AsyncIterable<Uint8Array>): AsyncIterable<TurnResponse> {
  const { ports, call, signal, progress, settings } = scene;
  const chosen = await ports.tiers.recognition(settings.asrTier, settings.asrLatencyMs);
  let final: TranscribeResponse | undefined;
  let shown = '';
  const options = { call, signal, isPreliminary: ({ kind }: StreamTranscribeResponse) => kind?.$case === 'partial' };
  for await (const { kind } of ports.asr.streamTranscribe(requests(scene, chosen.tier, audio), options)) {
    if (kind?.$case === 'final') final = kind.value;
    if (kind?.$case !== 'partial' || kind.value.text.length < shown.length) continue;
    shown = kind.value.text;
    yield { kind };
  }
  if (!final) throw new MeshError('unavailable', 'the recogniser ended without a transcript');
  // A recogniser that found the speaker's pause has ended the audio.
  progress.mark('audioEnded');
  progress.mark('transcript');
  progress.asr = servedIn(chosen, final.servedBy);
  progress.transcript = final.transcript?.text.trim() ?? '';
  if (final.transcript) yield { kind: { $case: 'transcript', value: final.transcript } };
}

async function* requests(
  { ports, call, settings, meter, progress, pace }: Scene,
  tier: string,
  audio: AsyncIterable<Uint8Array>,
) {
  const { endAtPause } = settings;
  yield { kind: { $case: 'settings' as const, value: { tier, partials: true, endAtPause } } };
  for await (const pcm of audio) {
    const ms = pcm.byteLength / PCM_BYTES_PER_MS;
    await meter.spend('asrMs', ms);
    yield { kind: { $case: 'pcm' as const, value: Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength) } };
  }
  progress.mark('audioEnded');
  // Before the recogniser begins with it: what could not be answered in time would only delay what can.
  pace.begin(call.deadlineUnixMs - ports.clock.nowMs());
}
