import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from '@smartlite/contracts';
import {
  DEFAULT_MODELS,
  natsServer,
  type Script,
  type ScriptStep,
  type ServiceProcess,
  startService,
  statusPublisher,
  type StatusPublisher,
  testDomain,
  type TestDomain,
} from '@smartlite/testkit';

const KEY = 'key-of-ann';
const token = (text: string): ScriptStep => ({ chunk: { kind: 'token', text, tokens: 1, logProb: null } });

/** Two sentences; the second is said when the test lets it. Its fourth token completes the first for whoever cuts at sentence ends. */
const HALTING: Script = {
  format: 'smartlite-script/1',
  rules: [
    { when: '"kind":"count-prompt"', steps: [{ chunk: { kind: 'count', tokens: 7 } }] },
    { when: '"kind":"count-text"', steps: [{ chunk: { kind: 'count', tokens: 3 } }] },
    { when: '"kind":"vocabulary"', steps: [{ chunk: { kind: 'vocabulary', text: '' } }] },
    {
      steps: [
        { chunk: { kind: 'prompt', tokens: 7 } },
        ...['Hello', ' there.', ' How'].map(token),
        { hold: 'second-sentence' },
        ...[' are', ' you?'].map(token),
        { chunk: { kind: 'end', reason: 'stop' } },
      ],
    },
  ],
};
const MODELS = DEFAULT_MODELS.map((model) => (model.id === 'mind' ? { ...model, script: HALTING } : model));

/** Every service that a turn needs as a real process, with scripted engines, real NATS and signed statuses. */
export interface ScriptedMesh extends AsyncDisposable {
  readonly url: string;
  readonly natsUrl: string;
  readonly domain: TestDomain;
  readonly verifier: StatusPublisher;
  readonly services: ReadonlyMap<ServiceName, ServiceProcess>;
  fetch(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
}

export async function scriptedMesh(gatewayEnvironment: Readonly<Record<string, string>> = {}): Promise<ScriptedMesh> {
  const stack = new AsyncDisposableStack();
  try {
    const { url: natsUrl } = stack.use(await natsServer());
    const domain = stack.use(await testDomain({ models: MODELS }));
    const verifier = stack.use(await statusPublisher(natsUrl, domain));
    const clients = join(domain.home, 'clients.json');
    writeFileSync(clients, JSON.stringify({ format: 'smartlite-clients/1', clients: [ann()] }));
    const services = new Map<ServiceName, ServiceProcess>();
    // One after the other: they share two cores with whatever else runs.
    for (const service of ['budget', 'asr', 'llm', 'tts', 'gateway'] as const) {
      const own = { SMARTLITE_HTTP_ADDRESS: '127.0.0.1:0', SMARTLITE_CLIENTS: clients, ...gatewayEnvironment };
      const environment = {
        ...(await domain.environment(service, `${service}-1`)),
        SMARTLITE_NATS_URL: natsUrl,
        ...(service === 'gateway' && own),
      };
      const file = fileURLToPath(new URL(`../../services/${service}/src/service.ts`, import.meta.url));
      services.set(service, stack.use(await startService({ file, environment })));
    }
    const url = services.get('gateway')?.addresses['http'] ?? '';
    const owned = stack.move();
    return {
      url,
      natsUrl,
      domain,
      verifier,
      services,
      fetch: (path, init = {}) =>
        fetch(url + path, { ...init, headers: { authorization: `Bearer ${KEY}`, ...(init.headers as Record<string, string>) } }),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } finally {
    await stack.disposeAsync();
  }
}

function ann() {
  const digest = `sha256:${createHash('sha256').update(KEY).digest('hex')}`;
  const created = '2026-01-01T00:00:00.000Z';
  return { id: 'ann', digest, user: 'ann', tenant: 'acme', regions: [], operator: false, may_act_for: false, created };
}

export interface TurnEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Server-sent events as they come. */
export async function* eventsOf({ body }: Response): AsyncGenerator<TurnEvent> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1] ?? 'message';
      yield { event, data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}') as TurnEvent['data'] };
    }
  }
}
