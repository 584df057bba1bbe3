import type { FastifyInstance } from 'fastify';
import type { Desk } from '../desk.ts';

/** `GET /v1/models`: the names of tiers and voices that a request may give as `model`. */
export function modelList(app: FastifyInstance, desk: Desk): void {
  app.get('/v1/models', async (request, reply) => {
    const names = async function* () {
      const { pack } = await desk.platform.models.verify();
      yield [
        ...new Set([
          ...Object.keys(pack.llm_tiers.tiers),
          ...Object.keys(pack.asr_pack.tiers),
          ...Object.keys(pack.tts_pack.roles),
        ]),
      ];
    };
    let data: object[] = [];
    for await (const ids of desk.serve(request, reply, { name: 'GET /v1/models', inSafeMode: 'serve' }, names))
      data = ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'smartlite' }));
    return reply.send({ object: 'list', data });
  });
}
