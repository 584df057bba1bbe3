import { MeshError } from '@smartlite/contracts';
import { z } from 'zod';

/** A value from outside, or `invalid-argument` with all that is wrong and where. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what = 'body'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MeshError(
    'invalid-argument',
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`).join('; '),
  );
}

/** Whoever wants a text later than a minute after the speech has no wish. */
const ASR_LATENCY_MS_MAX = 60_000;
const WHOLE_MS = `give whole milliseconds, 0 to ${ASR_LATENCY_MS_MAX}`;

/** Where a request names no ASR tier: when its caller wants the final text, in milliseconds after the speech; 0 is whenever it comes. */
export const asrLatencyMs = z.coerce
  .number({ error: WHOLE_MS })
  .int({ error: WHOLE_MS })
  .min(0, { error: WHOLE_MS })
  .max(ASR_LATENCY_MS_MAX, { error: WHOLE_MS })
  .default(0);
