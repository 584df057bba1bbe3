import { defineSettings, path, wholeNumber } from '@smartlite/chassis';
import { z } from 'zod';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** The verifier's settings. Those that every service has are repeated where this one opens something itself. */
export const verifierConfig = defineSettings({
  SMARTLITE_HOME: path("folder of this machine's mesh; epoch mark and unlogged failures are kept under it"),
  SMARTLITE_NATS_URL: z.string().min(1).describe('where NATS listens; several with commas'),
  SMARTLITE_NATS_CREDENTIALS: path('JSON file with user and password for NATS').optional(),
  SMARTLITE_NATS_REPLICAS: wholeNumber('copies of the control log in the NATS cluster', { min: 1, max: 5 }).default(1),
  SMARTLITE_LOCK: path('MODEL_LOCK.json; its runtime_state is rewritten by the leading verifier'),
  SMARTLITE_PACK: path('MODEL_PACK.json'),
  SMARTLITE_IDENTITY: path('folder with key.pem and certificate.pem of the role lock-status'),
  SMARTLITE_STATUS_LEASE_MS: wholeNumber('how long a permissive status lives after the leader was last seen in the control log', {
    min: 100,
    max: 600 * SECOND,
  }).default(5 * SECOND),
  SMARTLITE_LEADER_LEASE_MS: wholeNumber('how long a leader may go unseen in the control log before another is elected', {
    min: 100,
    max: 600 * SECOND,
  }).default(2 * SECOND),
  SMARTLITE_RELEASE_DWELL_MS: wholeNumber(
    'rest after a first failure before serving goes on; doubles with each of the same subject',
    { min: 1, max: HOUR },
  ).default(5 * SECOND),
  // The patrol reads every byte in between: the schedule is for what it cannot know, such as the round of a very large store.
  SMARTLITE_VERIFY_EVERY_MS: wholeNumber('how often everything is verified in full', { min: SECOND, max: 24 * HOUR }).default(
    HOUR,
  ),
  SMARTLITE_VERIFY_UNSAFE_EVERY_MS: wholeNumber('how often a store with standing failures is verified again', {
    min: SECOND,
    max: 24 * HOUR,
  }).default(15 * SECOND),
  SMARTLITE_ALERT_WEBHOOK: z
    .url({ protocol: /^https?$/ })
    .describe('where security alerts are posted, as Standard Webhooks says')
    .optional(),
  SMARTLITE_ALERT_WEBHOOK_SECRET: path(
    'file with the webhook’s secret: whsec_ and base64; due where a webhook is set',
  ).optional(),
});

export type VerifierConfig = ReturnType<typeof verifierConfig>;
