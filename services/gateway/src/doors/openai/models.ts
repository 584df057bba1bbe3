import type { FastifyInstance } from 'fastify';
import { voiceModels } from '../../voices.ts';
import type { Desk } from '../desk.ts';

/** `GET /v1/models`: the names of tiers and speakers that a request may give as `model`; speakers with the names for `voice`. */
export function modelList(app: FastifyInstance, desk: Desk): void {
  app.get('/v1/models', async (request, reply) => {
    const names = async function* () {
      const { pack } = await desk.platform.models.verify();
      const tiers = [...new Set([...Object.keys(pack.llm_tiers.tiers), ...Object.keys(pack.asr_pack.tiers)])];
      const speakers = voiceModels(pack).map(({ name: id, voices, defaultVoice }) => ({
        id,
        voices,
        default_voice: defaultVoice,
      }));
      yield [...tiers.map((id) => ({ id })), ...speakers];
    };
    let data: object[] = [];
    for await (const models of desk.serve(request, reply, { name: 'GET /v1/models', inSafeMode: 'serve' }, names))
      data = models.map((model) => ({ object: 'model', created: 0, owned_by: 'smartlite', ...model }));
    return reply.send({ object: 'list', data });
  });
}
