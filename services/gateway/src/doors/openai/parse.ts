import { MeshError } from '@smartlite/contracts';
import type { z } from 'zod';

/** A value from outside, or `invalid-argument` with all that is wrong and where. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what = 'body'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MeshError(
    'invalid-argument',
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`).join('; '),
  );
}
