import { createHash } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPeers, systemClock, systemIds } from '@smartlite/chassis/parts';
import type { ServiceName } from '@smartlite/contracts';
import { natsServer, type ServiceProcess, startService, statusPublisher, testDomain } from '@smartlite/testkit';
import { connect } from 'nats';
import { describe, expect, it } from 'vitest';

const PATIENCE = { timeout: 60_000, interval: 250 };
/** Far above what a receipt takes on a busy machine, so that a living audit service never seems away. */
const GRACE_MS = 5_000;
const KEY = 'key-of-ann';
const CALLER = { user: 'ann', tenant: 'acme', regions: [], operator: false };

/** A gateway with what a chat needs behind it, and the audit service. */
async function ground(stack: AsyncDisposableStack) {
  const { url: natsUrl } = stack.use(await natsServer());
  const domain = stack.use(await testDomain());
  stack.use(await statusPublisher(natsUrl, domain));
  const checkpoint = await domain.identity('audit-checkpoint', 'audit-log');
  cpSync(checkpoint.folder, join(domain.home, 'keys', 'audit-checkpoint'), { recursive: true });
  const clients = join(domain.home, 'clients.json');
  const digest = `sha256:${createHash('sha256').update(KEY).digest('hex')}`;
  const ann = { id: 'ann', digest, user: 'ann', tenant: 'acme', regions: [], operator: false, may_act_for: false };
  const created = '2026-01-01T00:00:00.000Z';
  writeFileSync(clients, JSON.stringify({ format: 'smartlite-clients/1', clients: [{ ...ann, created }] }));
  const start = async (service: ServiceName, more: Record<string, string> = {}): Promise<ServiceProcess> => {
    const environment = { ...(await domain.environment(service, `${service}-1`)), SMARTLITE_NATS_URL: natsUrl, ...more };
    const file = fileURLToPath(new URL(`../../services/${service}/src/service.ts`, import.meta.url));
    return stack.use(await startService({ file, environment }));
  };
  const audit = await start('audit');
  await start('budget');
  await start('llm');
  const gateway = await start('gateway', {
    SMARTLITE_HTTP_ADDRESS: '127.0.0.1:0',
    SMARTLITE_CLIENTS: clients,
    SMARTLITE_AUDIT_GRACE_MS: String(GRACE_MS),
  });
  const nats = await connect({ servers: natsUrl });
  stack.defer(() => nats.close());
  const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
  stack.defer(() => peers.close());
  const chat = async () => {
    const response = await fetch(`${gateway.addresses['http']}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'lite', messages: [{ role: 'user', content: 'hello' }] }),
    });
    const { error } = (await response.json()) as { error?: { reason?: string } };
    return { status: response.status, reason: error?.reason, retryAfter: response.headers.get('retry-after') };
  };
  return { audit, start, peers, chat };
}

describe('a mesh whose audit service is killed', () => {
  it('answers within the grace, then refuses over HTTP and gRPC by that name, and serves by itself when audit is back', async () => {
    await using stack = new AsyncDisposableStack();
    const { audit, start, peers, chat } = await ground(stack);
    await expect.poll(chat, PATIENCE).toMatchObject({ status: 200 });
    await audit.kill();
    // Its entries lie in the spool now; the caller notices nothing yet.
    expect(await chat()).toMatchObject({ status: 200 });
    await expect.poll(chat, PATIENCE).toEqual({ status: 503, reason: 'AUDIT_UNAVAILABLE', retryAfter: '5' });
    const refused = await peers.voice
      .turn((async function* () {})(), { caller: CALLER, timeoutMs: 30_000 })
      [Symbol.asyncIterator]()
      .next()
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    // The reason and the time to wait came over the wire in google.rpc.ErrorInfo.
    expect(refused).toMatchObject({ code: 'audit-unavailable', retryAfterMs: 5_000 });
    await start('audit');
    await expect.poll(chat, PATIENCE).toMatchObject({ status: 200 });
  });
});
