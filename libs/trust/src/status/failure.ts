import { z } from 'zod';
import { hex64, name, text } from './schema.ts';

/** What an open failure does to the fleet. `tolerated`: the policy lets serving go on, with the artifact refused or stood in for. */
export const EFFECTS = ['tolerated', 'safe', 'halted'] as const;
export type Effect = (typeof EFFECTS)[number];

/** One failure, as a status names it and as the control log holds it. Its subject is (store, artifact, digest). */
export const failureSchema = z.strictObject({
  /** SHA-256, hex, of the signed message that brought it up. */
  id: hex64,
  effect: z.enum(EFFECTS),
  /** Only an operator's signed release ends it. */
  operator: z.boolean(),
  /** Whose disk: see `storeId`. `operator` for an order. */
  store: name,
  /** Artifact id, or empty where the failure concerns the lock as a whole. */
  artifact: z.string().max(128),
  digest: z.string().max(128).nullable(),
  code: name,
  message: text,
});
export type FailureFact = Readonly<z.infer<typeof failureSchema>>;

/** The strictest effect among them. */
export function worst(failures: Iterable<FailureFact>): Effect {
  let found: Effect = 'tolerated';
  for (const { effect } of failures) if (EFFECTS.indexOf(effect) > EFFECTS.indexOf(found)) found = effect;
  return found;
}
