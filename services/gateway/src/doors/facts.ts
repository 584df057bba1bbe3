import type { Platform } from '@smartlite/chassis';
import type { FastifyInstance } from 'fastify';
import type { LatestTurns } from '../latest.ts';
import { operatorConsole } from './console.ts';

/** What needs no key: health, metrics, the operator's page and what it shows. Nothing here tells of users. */
export function facts(app: FastifyInstance, platform: Platform, latest: LatestTurns): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  // In safe mode the gateway stays ready: callers must get their 503.
  app.get('/readyz', async (_request, reply) => {
    const { mode } = platform.guard.current();
    return reply.code(mode === 'starting' ? 503 : 200).send({ ready: mode !== 'starting', mode });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await platform.metrics.text()),
  );
  app.get('/metrics/targets', async () => targets(platform));
  app.get('/status', async () => status(platform, latest));
  operatorConsole(app);
}

/** Prometheus http_sd: every instance that discovery knows. */
function targets({ peers }: Platform) {
  return peers
    .instances()
    .map(({ service, instance, region, metrics }) => ({ targets: [metrics], labels: { service, instance, region } }));
}

function status({ guard, peers }: Platform, { turns }: LatestTurns) {
  const { mode, local, reasons, order, lockDigest, lockSequence } = guard.current();
  const instances = peers
    .instances()
    .map(({ service, instance, region, mode: applied, epochApplied, inflight, queued, models }) => ({
      service,
      instance,
      region,
      mode: applied,
      epochApplied,
      inflight,
      queued,
      models,
    }));
  return { mode, local, reasons, order, lockDigest, lockSequence, instances, turns };
}
