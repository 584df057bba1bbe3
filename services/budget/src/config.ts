import { defineSettings, wholeNumber } from '@smartlite/chassis';

/** Limits are no setting: they are the pack's, changed by `smartlite budget set`. */
export const budgetConfig = defineSettings({
  SMARTLITE_NATS_REPLICAS: wholeNumber('copies of the ledger in the NATS cluster', { min: 1, max: 5 }).default(1),
});
