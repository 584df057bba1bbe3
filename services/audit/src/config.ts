import { defineSettings, path, wholeNumber } from '@smartlite/chassis';

/** The audit service's settings. Those that are not set lie below SMARTLITE_HOME. */
export const auditConfig = defineSettings({
  SMARTLITE_HOME: path("folder of this machine's mesh"),
  SMARTLITE_AUDIT_DIR: path('folder of the logs, one for each fleet and region; audit/ of the home when not set').optional(),
  SMARTLITE_AUDIT_LOG: path('the verification log, one JSON object a line; logs/audit/ of the home when not set').optional(),
  SMARTLITE_CHECKPOINT_IDENTITY: path(
    'folder with key.pem and certificate.pem of the role audit-checkpoint, kept apart from backups of the log; keys/audit-checkpoint of the home when not set',
  ).optional(),
  SMARTLITE_AUDIT_LEASE_MS: wholeNumber(
    'how long another host waits after the last word of the one that wrote the log before it takes over',
    { min: 1_000, max: 3_600_000 },
  ).default(10_000),
  SMARTLITE_NATS_REPLICAS: wholeNumber('copies of the control log in the NATS cluster', { min: 1, max: 5 }).default(1),
});

export type AuditConfig = ReturnType<typeof auditConfig>;
