import { type Detection, type DetectionRequest, FRAME_SAMPLES } from './engine.ts';
import { samplesOf } from './pcm.ts';
import { levelOf } from './segmenter.ts';

/** Mean square of about -40 dB below full scale: quiet speech is above it, a quiet room below. */
const SPEECH_LEVEL = 1e-4;
/** No certainty: a door that slams is loud, too. */
const LOUD_PROBABILITY = 0.9;
const QUIET_PROBABILITY = 0.05;

/**
 * Speech or silence by loudness alone: what is left when the detector's process hangs, dies or talks nonsense. Plain arithmetic, no
 * model. A recogniser that is given some noise too much is better than an utterance that is lost.
 */
export function detectByLoudness({ pcm, memory }: DetectionRequest): Detection {
  const samples = samplesOf(pcm);
  const frames = Math.floor(samples.length / FRAME_SAMPLES);
  const probabilities = Float32Array.from({ length: frames }, (_, frame) => {
    const level = levelOf(samples.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES));
    return level > SPEECH_LEVEL ? LOUD_PROBABILITY : QUIET_PROBABILITY;
  });
  return memory === undefined ? { probabilities } : { probabilities, memory };
}
