import { defineSettings, wholeNumber } from '@smartlite/chassis';

export const asrConfig = defineSettings({
  SMARTLITE_ASR_END_PAUSE_MS: wholeNumber(
    'silence after speech that ends an utterance whose caller asked for that, in milliseconds',
    { min: 200, max: 3000 },
  ).default(600),
});
