import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock, Ids, Log } from '@smartlite/chassis';
import type { AlertSender, SentAlert } from '../engine.ts';

/** First wait after a failed attempt; doubles up to the longest. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** An alert that could not be delivered for so long is given up, with a line in the log: the events and the trail hold it. */
const GIVE_UP_MS = 24 * 60 * 60 * 1_000;
/** A receiver that does not answer by then is tried again. */
const ANSWER_MS = 10_000;
/** Alerts that may wait. Beyond, the oldest goes: what the fleet is in now matters more. */
const WAITING_MAX = 100;
const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES_MIN = 24;

export interface WebhookParts {
  readonly url: string;
  /** File with the secret: `whsec_` and base64, as Standard Webhooks writes it. */
  readonly secretFile: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly stopping: AbortSignal;
  /** Told of each attempt's outcome. */
  readonly onAttempt: (outcome: 'delivered' | 'failed') => void;
  /** Between attempts; for tests. */
  readonly retryFirstMs?: number;
}

/**
 * Sends alerts to an HTTP receiver as Standard Webhooks v1 says: id, timestamp, and HMAC-SHA-256 over `id.timestamp.body`. One after the
 * other, each tried until it is taken (2xx). Receivers drop a repeated id. Throws at once where the secret cannot be read.
 */
export function webhook(parts: WebhookParts): AlertSender {
  const secret = readSecret(parts.secretFile);
  const waiting: { readonly id: string; readonly sinceMs: number; readonly alert: SentAlert }[] = [];
  let working = false;
  const work = async () => {
    if (working) return;
    working = true;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await deliver(next, secret, parts);
      if (waiting[0] === next) waiting.shift();
    }
    working = false;
  };
  return {
    send(alert) {
      if (waiting.length >= WAITING_MAX) {
        waiting.shift();
        parts.log.error('an alert to the webhook is dropped: too many wait', { waiting: WAITING_MAX });
      }
      waiting.push({ id: `msg_${parts.ids.uuid()}`, sinceMs: parts.clock.monotonicMs(), alert });
      void work();
    },
  };
}

async function deliver(
  { id, sinceMs, alert }: { readonly id: string; readonly sinceMs: number; readonly alert: SentAlert },
  secret: Uint8Array,
  { url, clock, log, stopping, onAttempt, retryFirstMs = RETRY_FIRST_MS }: WebhookParts,
): Promise<void> {
  const body = JSON.stringify({
    type: 'smartlite.alert.security',
    timestamp: new Date(alert.atUnixMs).toISOString(),
    data: alert,
  });
  for (let attempt = 0; !stopping.aborted; attempt += 1) {
    const because = await post(url, id, body, secret, clock.nowMs(), stopping);
    onAttempt(because === null ? 'delivered' : 'failed');
    if (because === null) return;
    if (attempt === 0) log.warn('the webhook does not take an alert; trying on', { because });
    if (clock.monotonicMs() - sinceMs >= GIVE_UP_MS) return log.error('an alert to the webhook is given up', { because });
    await pause(Math.min(retryFirstMs * 2 ** Math.min(attempt, 16), RETRY_MAX_MS), stopping);
  }
}

/** One attempt; null when it was taken, else why not. */
async function post(
  url: string,
  id: string,
  body: string,
  secret: Uint8Array,
  nowUnixMs: number,
  stopping: AbortSignal,
): Promise<string | null> {
  const timestamp = String(Math.floor(nowUnixMs / 1_000));
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      // A redirect could carry the alert to somebody else.
      redirect: 'error',
      signal: AbortSignal.any([stopping, AbortSignal.timeout(ANSWER_MS)]),
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
    });
    await response.body?.cancel();
    return response.ok ? null : `HTTP ${response.status}`;
  } catch (caught) {
    return caught instanceof Error ? caught.message : String(caught);
  }
}

function readSecret(file: string): Uint8Array {
  const text = readFileSync(file, 'utf8').trim();
  const secret = Buffer.from(text.slice(SECRET_PREFIX.length), 'base64');
  if (!text.startsWith(SECRET_PREFIX) || secret.length < SECRET_BYTES_MIN)
    throw new Error(`${file} holds no webhook secret: ${SECRET_PREFIX} and at least ${SECRET_BYTES_MIN} bytes in base64 are due`);
  return secret;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
