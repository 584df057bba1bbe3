import { z } from 'zod';

const PCM16 = z.literal('pcm16', { error: 'only pcm16 (24 kHz mono) is spoken here' });
const INSTRUCTIONS_MAX = 4_096;

const turnDetection = z
  .object({
    type: z.enum(['server_vad'], { error: 'give server_vad or null' }),
    /** Answer by itself after a pause. */
    create_response: z.boolean().default(true),
    /** Speech that begins while an answer is spoken ends the answer. */
    interrupt_response: z.boolean().default(true),
  })
  .nullable();
export type TurnDetection = z.infer<typeof turnDetection>;
const pcmFormat = z.object({
  type: z.literal('audio/pcm', { error: 'only audio/pcm is spoken here' }),
  rate: z.literal(24_000).optional(),
});

/** `session.update`, in the names of the beta and of the general release. What is not named here is left as it is. */
const sessionSchema = z.object({
  type: z.literal('realtime', { error: 'only realtime sessions are held here' }).optional(),
  instructions: z.string().max(INSTRUCTIONS_MAX).optional(),
  voice: z.string().max(64).optional(),
  input_audio_format: PCM16.optional(),
  output_audio_format: PCM16.optional(),
  turn_detection: turnDetection.optional(),
  audio: z
    .object({
      input: z.object({ format: pcmFormat.optional(), turn_detection: turnDetection.optional() }).optional(),
      output: z.object({ format: pcmFormat.optional(), voice: z.string().max(64).optional() }).optional(),
    })
    .optional(),
});
export type SessionUpdate = z.infer<typeof sessionSchema>;

const eventId = { event_id: z.string().max(512).optional() };
const clientEvent = z.discriminatedUnion(
  'type',
  [
    z.object({ ...eventId, type: z.literal('session.update'), session: sessionSchema }),
    z.object({ ...eventId, type: z.literal('input_audio_buffer.append'), audio: z.base64() }),
    z.object({ ...eventId, type: z.literal('input_audio_buffer.commit') }),
    z.object({ ...eventId, type: z.literal('input_audio_buffer.clear') }),
    z.object({ ...eventId, type: z.literal('response.create') }),
    z.object({ ...eventId, type: z.literal('response.cancel') }),
    z.object({
      ...eventId,
      type: z.literal('conversation.item.truncate'),
      item_id: z.string().max(128),
      content_index: z.literal(0).default(0),
      audio_end_ms: z.number().int().min(0),
    }),
  ],
  { error: 'no event that is taken here' },
);
export type ClientEvent = z.infer<typeof clientEvent>;
export { clientEvent };
