import { z } from 'zod';
import { defineSettings, type SettingsOf } from './define.ts';
import { address, path, wholeNumber } from './schemas.ts';

/** Settings that every service has. */
export const baseSettings = defineSettings({
  SMARTLITE_HOME: path("folder that holds the state of this machine's mesh, usually .smartlite"),
  SMARTLITE_NATS_URL: z.string().min(1).describe('where NATS listens, for example nats://127.0.0.1:4222; several with commas'),
  SMARTLITE_NATS_CREDENTIALS: path('JSON file with user and password for NATS; without it none are sent').optional(),
  SMARTLITE_NATS_REPLICAS: wholeNumber('copies of each stream in the NATS cluster, 1 to 5', { min: 1, max: 5 }).default(1),
  SMARTLITE_PACK: path('MODEL_PACK.json'),
  SMARTLITE_LOCK: path('MODEL_LOCK.json'),
  SMARTLITE_TRUST: path('the trust document: fleet, root certificate and high-water mark'),
  SMARTLITE_MODELS: path("folder that the paths of the lock's manifest are relative to"),
  SMARTLITE_IDENTITY: path('folder with key.pem (Ed25519, PKCS #8) and certificate.pem (leaf and intermediate) of this process'),
  SMARTLITE_INSTANCE: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not 1 to 63 of a-z, 0-9 and -')
    .describe('name of this instance; chosen at random when not set')
    .optional(),
  SMARTLITE_REGION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not 1 to 63 of a-z, 0-9 and -')
    .describe('region that this instance stands in')
    .default('local'),
  SMARTLITE_GRPC_ADDRESS: address('where gRPC listens, host:port; port 0 lets the system choose').default('127.0.0.1:0'),
  SMARTLITE_METRICS_ADDRESS: address('where /metrics, /healthz and /readyz listen, host:port').default('127.0.0.1:0'),
  SMARTLITE_STATUS_LEASE_MS: wholeNumber('how long a lock status permits, in milliseconds', { min: 100, max: 600_000 }).default(
    5_000,
  ),
  SMARTLITE_AUDIT_GRACE_MS: wholeNumber(
    'how long audit entries may lack the audit service’s receipt before serving is refused, in milliseconds; 0: it is never',
    { min: 0, max: 86_400_000 },
  ).default(60_000),
  SMARTLITE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).describe('least severity that is logged').default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url('is no URL').describe('OTLP/HTTP collector that gets the traces as well').optional(),
});

export type BaseSettings = SettingsOf<typeof baseSettings.shape>;
