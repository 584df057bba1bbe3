import { MODES } from '@smartlite/contracts';
import { type NatsConnection, RequestStrategy } from 'nats';
import { z } from 'zod';

/** Everybody answers a broadcast within this time, or is as good as gone. */
const ANSWER_MS = 1_000;
/** Once nobody has answered for this long, all have. */
const QUIET_MS = 200;

const breakerSchema = z.looseObject({ model: z.string(), state: z.enum(['half-open', 'open']), because: z.string() });
const loadSchema = z.looseObject({
  inflight: z.number().default(0),
  queued: z.number().default(0),
  mode: z.enum(MODES).default('starting'),
  epochApplied: z.number().default(0),
  models: z.array(z.string()).default([]),
  breakers: z.array(breakerSchema).default([]),
});
const statsSchema = z.looseObject({
  name: z.string().startsWith('smartlite-'),
  metadata: z.looseObject({
    instance: z.string(),
    region: z.string().default('local'),
    grpc: z.string().default(''),
    metrics: z.string().default(''),
    pid: z.string().default(''),
  }),
  endpoints: z.array(z.looseObject({ data: z.unknown().optional() })).nullish(),
});

export interface InstanceFact {
  readonly service: string;
  readonly id: string;
  readonly region: string;
  readonly mode: (typeof MODES)[number];
  readonly epochApplied: number;
  readonly pid: number;
  readonly grpc: string;
  readonly metrics: string;
  readonly inflight: number;
  readonly queued: number;
  readonly models: readonly string[];
  /** Models that are left for now, and why. */
  readonly breakers: readonly { readonly model: string; readonly state: 'half-open' | 'open'; readonly because: string }[];
}

/** Who is there, by NATS micro discovery: the same answer that the stock `nats` tool gets. */
export async function discover(bus: NatsConnection): Promise<InstanceFact[]> {
  const answers = await bus.requestMany('$SRV.STATS', undefined, {
    strategy: RequestStrategy.JitterTimer,
    maxWait: ANSWER_MS,
    jitter: QUIET_MS,
  });
  const facts: InstanceFact[] = [];
  for await (const answer of answers) {
    const fact = factOf(answer.json<unknown>());
    if (fact) facts.push(fact);
  }
  return facts.sort((a, b) => a.service.localeCompare(b.service) || a.id.localeCompare(b.id));
}

function factOf(answer: unknown): InstanceFact | undefined {
  const stats = statsSchema.safeParse(answer).data;
  if (stats === undefined) return undefined;
  const load = loadSchema.parse(stats.endpoints?.find((endpoint) => endpoint.data !== undefined)?.data ?? {});
  const { instance, region, grpc, metrics, pid } = stats.metadata;
  return { service: stats.name.slice('smartlite-'.length), id: instance, region, grpc, metrics, pid: Number(pid), ...load };
}
