import { z } from 'zod';

const tone = z.strictObject({ ms: z.number().positive(), hz: z.number().positive(), rateHz: z.number().positive() });
const AMPLITUDE = 8_000;

/** A script's JSON with its bytes filled in: `{"$tone": {ms, hz, rateHz}}` is s16le audio, `{"$bytes": n}` is n zeros. */
export function valueOf(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(valueOf);
  if (typeof json !== 'object' || json === null) return json;
  if ('$tone' in json) return toneOf(tone.parse(json.$tone));
  if ('$bytes' in json) return new Uint8Array(Number(json.$bytes));
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, valueOf(value)]));
}

/** Mono s16le. */
export function toneOf({ ms, hz, rateHz }: z.infer<typeof tone>): Uint8Array {
  const samples = Int16Array.from({ length: Math.round((ms * rateHz) / 1_000) }, (_, index) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * hz * index) / rateHz)),
  );
  return new Uint8Array(samples.buffer);
}
