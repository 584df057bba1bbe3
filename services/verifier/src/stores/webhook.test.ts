import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { manualClock, seededIds, temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { webhook } from './webhook.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

const SECRET = Buffer.alloc(32, 7);
const alert = (title: string) =>
  ({ atUnixMs: 0, severity: 'critical', title, reasons: ['DIGEST_MISMATCH ears'], mode: 'safe' }) as const;
const silent = () => {};

interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A receiver that answers with these statuses, then with 204. */
async function receiver(statuses: number[]) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.statusCode = statuses.shift() ?? 204;
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, received, [Symbol.dispose]: () => void server.close() };
}

function sender(url: string, folder: string, secret = `whsec_${SECRET.toString('base64')}`) {
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, secret);
  const stopping = new AbortController();
  const outcomes: string[] = [];
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const parts = { url, secretFile, clock: manualClock(), ids: seededIds(), log, stopping: stopping.signal, retryFirstMs: 5 };
  return { ...webhook({ ...parts, onAttempt: (outcome) => void outcomes.push(outcome) }), outcomes, stopping };
}

describe('an alert to the webhook', () => {
  it('carries a signature that any Standard Webhooks receiver can check', async () => {
    using folder = temporaryFolder();
    using hook = await receiver([]);
    sender(hook.url, folder.path).send(alert('the fleet is in safe mode'));
    await expect.poll(() => hook.received.length, PATIENCE).toBe(1);
    const { headers, body } = hook.received[0] as Received;
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`);
    expect(JSON.parse(body)).toMatchObject({ type: 'smartlite.alert.security', data: { title: 'the fleet is in safe mode' } });
  });

  it('is tried again under the same id until it is taken, and those behind it keep their order', async () => {
    using folder = temporaryFolder();
    using hook = await receiver([500, 404]);
    const { send, outcomes } = sender(hook.url, folder.path);
    send(alert('first'));
    send(alert('second'));
    await expect.poll(() => outcomes, PATIENCE).toEqual(['failed', 'failed', 'delivered', 'delivered']);
    const titles = hook.received.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title);
    expect(titles).toEqual(['first', 'first', 'first', 'second']);
    expect(new Set(hook.received.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('is not carried on to where a redirect points', async () => {
    using folder = temporaryFolder();
    using hook = await receiver([302]);
    const { send, outcomes } = sender(hook.url, folder.path);
    send(alert('first'));
    await expect.poll(() => outcomes, PATIENCE).toEqual(['failed', 'delivered']);
  });

  it('is tried while nobody listens there, and given up with the process', async () => {
    using folder = temporaryFolder();
    const { send, outcomes, stopping } = sender('http://127.0.0.1:9/', folder.path);
    send(alert('first'));
    await expect.poll(() => outcomes.length, PATIENCE).toBeGreaterThan(2);
    stopping.abort();
    expect(outcomes).not.toContain('delivered');
  });
});

describe('a secret that is none', () => {
  it('is refused at start, with its file and what is due', () => {
    using folder = temporaryFolder();
    expect(() => sender('http://127.0.0.1:9/', folder.path, 'hunter2')).toThrow(/secret.*whsec_/);
  });
});
