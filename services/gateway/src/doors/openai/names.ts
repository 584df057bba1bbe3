/** Models that OpenAI's clients name by default mean our default tier. */
export function tierName(model: string | undefined): string {
  return model === undefined || /^(whisper|gpt|tts|o\d)/.test(model) ? '' : model;
}

const OPENAI_VOICES: ReadonlySet<string> = new Set([
  'alloy',
  'ash',
  'ballad',
  'cedar',
  'coral',
  'echo',
  'fable',
  'marin',
  'nova',
  'onyx',
  'sage',
  'shimmer',
  'verse',
]);

/** OpenAI's voices mean our default voice. */
export function voiceName(voice: string): string {
  return OPENAI_VOICES.has(voice) ? '' : voice;
}
