import { MODES, type ServiceName, SERVICES } from '@smartlite/contracts';
import { z } from 'zod';

/** NATS micro services of the mesh are named by this and the service. */
export const NAME_PREFIX = 'smartlite-';

const text = z.string().max(256);
const count = z.number().int().nonnegative();

/** What an instance says of itself once, as NATS micro metadata. NATS carries texts only. */
export const identitySchema = z.object({ instance: text, region: text, grpc: text, metrics: text, pid: text, version: text });

/** What it says every time it is asked, as data of its endpoint's STATS. */
export const loadSchema = z.object({
  mode: z.enum(MODES),
  epochApplied: count,
  inflight: count,
  queued: count,
  ready: z.boolean(),
  models: z.array(text).max(256),
  /** Models whose breaker is not closed, and why. */
  breakers: z
    .array(z.object({ model: text, state: z.enum(['half-open', 'open']), because: z.string().max(1_024) }))
    .max(256)
    .default([]),
  addresses: z.record(z.string(), text),
});

export type Identity = z.infer<typeof identitySchema>;
export type Load = z.infer<typeof loadSchema>;

const statsSchema = z.object({
  name: z.string().startsWith(NAME_PREFIX),
  metadata: identitySchema,
  endpoints: z.array(z.object({ data: loadSchema })).min(1),
});

export interface Sighting {
  readonly service: ServiceName;
  readonly identity: Identity;
  readonly load: Load;
}

/** Reads one answer to $SRV.STATS. Anyone on the bus may answer: what is not of the mesh, or not well-formed, is undefined. */
export function parseSighting(data: Uint8Array): Sighting | undefined {
  try {
    const { name, metadata, endpoints } = statsSchema.parse(JSON.parse(new TextDecoder().decode(data)));
    const service = SERVICES.find((known) => known === name.slice(NAME_PREFIX.length));
    const load = endpoints[0]?.data;
    return service && load ? { service, identity: metadata, load } : undefined;
  } catch {
    return undefined;
  }
}
