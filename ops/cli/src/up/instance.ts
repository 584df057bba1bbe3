import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SERVICES, type ServiceName } from '@smartlite/contracts';
import { z } from 'zod';
import type { Place } from './place.ts';

/** One process that is to run: which service, under which name. */
export interface Instance {
  readonly service: ServiceName;
  readonly id: string;
}

/** What a service says once it listens. */
const readySchema = z.looseObject({
  kind: z.literal('ready'),
  grpc: z.string().nullish(),
  metrics: z.string().nullish(),
  addresses: z.record(z.string(), z.string()).default({}),
});
export type Ready = z.infer<typeof readySchema>;

export function parseReady(message: unknown): Ready | undefined {
  return readySchema.safeParse(message).data;
}

/** Names the instances of a mesh, one of each service unless the scale says more, in the order in which they start. */
export function planInstances(scale: Partial<Record<ServiceName, number>>): Instance[] {
  return SERVICES.flatMap((service) =>
    Array.from({ length: scale[service] ?? 1 }, () => ({ service, id: `${service}-${randomBytes(4).toString('hex')}` })),
  );
}

/** Variables that a service may inherit. Everything else of the caller's environment, keys of other tools included, stays here. */
const INHERITED =
  /^(PATH|HOME|TMPDIR|TZ|LANG|LC_.*|SSL_CERT_.*|NODE_COMPILE_CACHE|NODE_EXTRA_CA_CERTS|OTEL_.*|SMARTLITE_.*|(HTTPS?|NO|https?|no)_(PROXY|proxy))$/;

export interface InstanceSettings {
  readonly natsUrl: string;
  readonly natsCredentials: string | undefined;
  readonly httpAddress: string;
  readonly identity: Readonly<Record<string, string>>;
}

/** The environment of one instance: the names stand in the chassis' base settings. */
export function environmentOf({ id }: Instance, place: Place, settings: InstanceSettings): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name)) as [string, string][];
  return {
    ...Object.fromEntries(inherited),
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(place.state, 'cache'),
    SMARTLITE_HOME: place.state,
    SMARTLITE_INSTANCE: id,
    SMARTLITE_NATS_URL: settings.natsUrl,
    ...(settings.natsCredentials && { SMARTLITE_NATS_CREDENTIALS: settings.natsCredentials }),
    SMARTLITE_PACK: place.pack,
    SMARTLITE_LOCK: place.lock,
    SMARTLITE_TRUST: place.trust,
    SMARTLITE_MODELS: place.models,
    SMARTLITE_CLIENTS: place.clients,
    SMARTLITE_AUDIT_DIR: place.audit,
    SMARTLITE_AUDIT_LOG: place.auditLog,
    SMARTLITE_HTTP_ADDRESS: settings.httpAddress,
    ...settings.identity,
  };
}

/** Starts a service's process. It ends by itself when this process is gone, for then its IPC channel closes. */
export function forkInstance(main: string, environment: Record<string, string>, root: string): ChildProcess {
  return fork(main, [], { cwd: root, env: environment, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}
