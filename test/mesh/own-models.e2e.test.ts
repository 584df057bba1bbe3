import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LLAMA3, modelThatSays } from '../../services/llm/src/engines/family.fixture.ts';
import { type RealMesh, realMesh } from './realmesh.ts';
import { BILL, upstreamService, type UpstreamService } from './upstream.ts';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const KEY = 'sk-upstream-7d1f0c';
const PATIENCE = { timeout: 120_000, interval: 250 };
const QUESTION = 'Is Violetta Quandry at the lighthouse?';

interface Completion {
  readonly choices?: readonly { readonly message: { readonly content: string } }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number };
  readonly error?: { readonly code: string; readonly message: string };
}

let home: string;
let upstream: UpstreamService;
let mesh: RealMesh;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'smartlite-own-'));
  cpSync(process.env['SMARTLITE_MODELS'] ?? join(CHECKOUT, '.smartlite', 'models'), join(home, 'models'), { recursive: true });
  upstream = await upstreamService(KEY);
  // What a user does by hand: a file beside the pack, an entry for it, and tiers that name the new models.
  writeFileSync(join(home, 'own.gguf'), modelThatSays(LLAMA3, ['The', ' sky', ' is', ' blue', '.', '<|eot_id|>']));
  writeFileSync(
    join(home, 'pack.json'),
    JSON.stringify(ownPack(readFileSync(join(home, 'own.gguf')), upstream.baseUrl), null, 2),
  );
  const environment = {
    SMARTLITE_PACK: join(home, 'pack.json'),
    SMARTLITE_MODELS: join(home, 'models'),
    SMARTLITE_UPSTREAM_API_KEY: KEY,
  };
  mesh = await realMesh({ home, environment });
});
afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

/** The embedded pack with a GGUF of another family as `standard`, and an upstream as `premium`. */
function ownPack(weights: Buffer, baseUrl: string): object {
  const pack = JSON.parse(readFileSync(join(CHECKOUT, 'ops/MODEL_PACK.json'), 'utf8')) as {
    artifacts: object[];
    models: object[];
    llm_tiers: { tiers: Record<string, object> };
  };
  const sha256 = createHash('sha256').update(weights).digest('hex');
  pack.artifacts.push({
    id: 'own-weights',
    path: 'own/own.gguf',
    role: 'weights',
    format: 'gguf',
    size: weights.length,
    sha256,
    licence: 'Apache-2.0',
    source: { kind: 'file', path: 'own.gguf' },
  });
  const model = { service: 'llm', licence: 'Apache-2.0', architecture: 'of the test' };
  pack.models.push(
    { ...model, id: 'own', engine: 'gguf', artifacts: ['own-weights'], settings: { context_tokens: 512 } },
    {
      ...model,
      id: 'far',
      engine: 'openai',
      artifacts: [],
      settings: { base_url: baseUrl, model: 'far-1', api_key_env: 'SMARTLITE_UPSTREAM_API_KEY', dialect: 'tools' },
    },
  );
  const fallback = { model: 'phrasebook', role: 'fallback' };
  pack.llm_tiers.tiers['standard'] = {
    token_budget: { prompt: 400, answer: 64 },
    candidates: [{ model: 'own', role: 'primary' }, fallback],
  };
  pack.llm_tiers.tiers['premium'] = {
    token_budget: { prompt: 2000, answer: 128 },
    candidates: [{ model: 'far', role: 'primary' }, fallback],
  };
  return pack;
}

async function chat(model: string, content: string): Promise<{ status: number; body: Completion; text: string }> {
  const response = await fetch(`${mesh.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${mesh.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
  });
  const body = (await response.json()) as Completion;
  return { status: response.status, body, text: body.choices?.[0]?.message.content ?? '' };
}

/** Everything that the mesh has written: logs, audit, run files. The models are not its own words. */
function written(): string {
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^(models|cache|downloads)(\/|$)/.test(name),
  );
  return files.map((name) => contentOf(join(home, name))).join('\n');
}

/** Empty for a folder, and for what the running mesh has renamed since it was listed. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (caught) {
    const { code } = caught as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR') return '';
    throw caught;
  }
}

describe('a mesh whose pack names a GGUF of its user', () => {
  it('answers by it, after its own template and up to its own end of turn', async () => {
    const { text, body } = await chat('standard', 'What colour is the sky?');
    expect(text).toBe('The sky is blue.');
    expect(body.usage).toMatchObject({ completion_tokens: 5 });
  });

  it('says so when a conversation is longer than the model can read, and answers the next', async () => {
    expect(await chat('standard', 'word '.repeat(2_000))).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringMatching(/longer than|prompt/) } },
    });
    expect((await chat('standard', 'And the sky?')).text).toBe('The sky is blue.');
  });
});

describe('a mesh whose pack names an upstream', () => {
  it('answers by it, with the key, and counts what the upstream has counted', async () => {
    const { text, body } = await chat('premium', QUESTION);
    expect(text).toBe('Far away it is sunny.');
    expect(body.usage).toMatchObject({ prompt_tokens: BILL.prompt_tokens, completion_tokens: BILL.completion_tokens });
    expect(upstream.asked.at(-1)).toMatchObject({ authorization: `Bearer ${KEY}`, body: { model: 'far-1', stream: true } });
  });

  it('carries out what the upstream calls, in parts', async () => {
    expect((await chat('premium', 'The sum of 12 and 30, please')).text).toBe('12 plus 30 is 42.');
  });

  it.each(['You are busy', 'This is a fault', 'Be silent', 'This is cut'])(
    'is answered by the fallback when the upstream is not well: %s',
    async (question) => {
      const { status, text } = await chat('premium', question);
      expect(status).toBe(200);
      expect(text).not.toBe('');
      await expect.poll(async () => (await chat('premium', QUESTION)).text, PATIENCE).toBe('Far away it is sunny.');
    },
  );

  it('writes neither the key nor a question anywhere', () => {
    expect(written()).toContain('far');
    expect(written()).not.toContain(KEY);
    expect(written()).not.toContain('Quandry');
  });

  it('asks it nothing in safe mode', async () => {
    const file = join(home, 'models', 'own', 'own.gguf');
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(file, bytes);
    await expect.poll(async () => (await mesh.facts<{ mode: string }>('status')).mode, PATIENCE).toBe('safe');
    const before = upstream.asked.length;
    expect((await chat('premium', QUESTION)).status).toBe(503);
    expect(upstream.asked).toHaveLength(before);
  });
});
