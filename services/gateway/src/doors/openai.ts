import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import type { IntakeLimits } from '../audio/intake.ts';
import type { Ports } from '../engine.ts';
import type { Desk } from './desk.ts';
import { FIELDS_MAX } from './form.ts';
import { chatCompletions } from './openai/chat.ts';
import { modelList } from './openai/models.ts';
import { speech } from './openai/speech.ts';
import { transcriptions } from './openai/transcriptions.ts';
import { patientStream } from './patience.ts';

const FIELD_BYTES_MAX = 4_096;

/** OpenAI's endpoints, so that its stock clients work by changing address and key. */
export async function openAi(app: FastifyInstance, desk: Desk, ports: Ports, limits: IntakeLimits): Promise<void> {
  await app.register(async (forms) => {
    // The limit on bytes is the intake's, which says what was exceeded.
    const fileSize = limits.uploadBytesMax + 1;
    await forms.register(multipart, {
      limits: { files: 1, fields: FIELDS_MAX, fieldSize: FIELD_BYTES_MAX, fileSize },
      throwFileSizeLimit: false,
    });
    // Whatever else comes is refused by the handler, with what is wanted.
    forms.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    transcriptions(forms, desk, ports, limits);
  });
  await app.register(async (json) => {
    json.removeContentTypeParser('text/plain');
    json.addHook('preParsing', async (_request, _reply, payload) => patientStream(payload, desk.idleMsMax));
    speech(json, desk, ports);
    chatCompletions(json, desk, ports);
  });
  modelList(app, desk);
}
