import { z } from 'zod';
import { Problem } from './problem.ts';

/** Date.parse alone would take "banana 12" for a day of 2001. */
const isoTime = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** A time or day of ISO 8601 (a day begins at midnight UTC) in milliseconds since 1970. Throws a Problem that names the option. */
export function parseIsoTime(text: string, option: string): number {
  if (isoTime.safeParse(text).success) return Date.parse(text);
  throw new Problem(`${option} ${text} is no time.`, 'Write for example 2027-01-31T12:00:00Z.', { exitCode: 2 });
}
