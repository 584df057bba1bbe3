import { defineSettings, wholeNumber } from '@smartlite/chassis';

/** Limits are no setting: they are the pack's, changed by `smartlite budget set`. */
export const budgetConfig = defineSettings({
  SMARTLITE_LEDGER_SNAPSHOT_EVERY: wholeNumber(
    'messages of the ledger from one snapshot to the next; a start reads at most twice as many',
    { min: 10, max: 1_000_000 },
  ).default(10_000),
  SMARTLITE_NATS_REPLICAS: wholeNumber('copies of the ledger in the NATS cluster', { min: 1, max: 5 }).default(1),
});
