import { defineSettings } from '@smartlite/chassis';

/** The budget service has no settings of its own: its limits are the pack's, changed by `smartlite budget set`. */
export const budgetConfig = defineSettings({});
