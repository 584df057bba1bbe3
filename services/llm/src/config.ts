import { defineSettings } from '@smartlite/chassis';
import { z } from 'zod';

export const llmConfig = defineSettings({
  SMARTLITE_LLM_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Answers one model works on at once; further ones wait.'),
});
