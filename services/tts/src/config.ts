import { defineSettings } from '@smartlite/chassis';

/** What can be set is in the pack (models, voices) and in the settings that every service has. */
export const ttsConfig = defineSettings({});
