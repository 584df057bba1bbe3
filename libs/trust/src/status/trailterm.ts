import { z } from 'zod';
import { asVerified, type Verified } from '../verified.ts';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet, hex64 } from './schema.ts';

/** A checkpoint is three short lines and a signature. */
const NOTE_MAX = 2_048;

const schema = z.strictObject({
  fleet,
  generation: count,
  /** The log that is spoken of. */
  origin: z.string().min(1).max(256),
  /** `claim` asks for the right to write the log, `beat` keeps it, `resign` gives it back. */
  kind: z.enum(['claim', 'beat', 'resign']),
  /** Names the place that the log is written from; of its processes only one can be alive. */
  writer: hex64,
  /** Names this life of the process. */
  boot: z.string().regex(/^[0-9a-f]{32}$/),
  /** Rises within a boot, so that nothing counts twice. */
  counter: count,
  /** How long the right outlives the writer's last word. */
  leaseMs: z.int().min(100).max(3_600_000),
  /** The newest checkpoint that the writer knows of, as its signed note; null before the first. */
  checkpoint: z.string().max(NOTE_MAX).nullable(),
});

/** What an audit service says in the control log: who writes the trail, and how far it has come. */
export type TrailTerm = Readonly<z.infer<typeof schema>>;

/** Signs it with the checkpoint key. */
export function signTrailTerm(term: TrailTerm, identity: RoleIdentity): Uint8Array {
  return seal('trail-term', schema.parse(term), identity);
}

/** Proves that a holder of a checkpoint key has said it. Judged at the time that the stream gave it. Throws a TrustError. */
export function openTrailTerm(bytes: Uint8Array, trust: RoleTrust, atMs: number): Verified<TrailTerm> {
  const { message } = open('trail-term', bytes, ['audit-checkpoint'], schema, trust, atMs);
  requireFleet(message, trust, 'trail term');
  return asVerified(message);
}
