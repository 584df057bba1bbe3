import { z } from 'zod';

/**
 * What a scripted engine does: an artifact of format `data` and role `script`. The first rule whose texts all occur in the
 * request's JSON is followed (bytes appear there as `<n bytes>`); a rule without `when` fits all.
 */
const step = z.union([
  /** Emits a value; `{"$tone": ...}` and `{"$bytes": n}` inside become bytes. */
  z.strictObject({ chunk: z.json() }),
  /** Waits until a file of this name lies in the folder of the model's setting `holds`. */
  z.strictObject({ hold: z.string().regex(/^[a-z0-9-]+$/) }),
  /** A voice detector's answer: a probability for each frame of the request's pcm, by its loudness. */
  z.strictObject({ detect: z.literal('loudness') }),
  z.strictObject({ fail: z.strictObject({ code: z.string(), message: z.string() }) }),
  /** Ends the process, as a crash would. */
  z.strictObject({ exit: z.number().int() }),
]);

export const scriptSchema = z.strictObject({
  format: z.literal('smartlite-script/1'),
  rules: z.array(z.strictObject({ when: z.union([z.string(), z.array(z.string())]).optional(), steps: z.array(step) })).min(1),
});

export type Script = z.infer<typeof scriptSchema>;
export type ScriptStep = z.infer<typeof step>;

/** The rule that fits a request. */
export function ruleFor(script: Script, request: unknown): Script['rules'][number] | undefined {
  const text = JSON.stringify(request, (_key, value: unknown) => {
    if (value instanceof Uint8Array || value instanceof Float32Array) return `<${value.byteLength} bytes>`;
    return typeof value === 'bigint' ? String(value) : value;
  });
  return script.rules.find(({ when = [] }) => [when].flat().every((part) => text.includes(part)));
}
