import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { MeshError } from '@smartlite/contracts';
import { DEFAULT_MODELS, type ScriptStep, testDomain, type TestDomain } from '@smartlite/testkit';
import type { Pack } from '@smartlite/trust';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineProcess } from './host.ts';
import { CHUNK_WINDOW } from './messages.ts';
import { createEngineHost, type RunningHost } from './start.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

const SCRIPTED = new URL('../../../testkit/src/scripted/engine.ts', import.meta.url);
const token = (text: string): ScriptStep => ({ chunk: { text } });
const MANY = Array.from({ length: 4 * CHUNK_WINDOW }, (_, index) => token(String(index)));
const MODELS = DEFAULT_MODELS.map((model) =>
  model.id !== 'mind'
    ? model
    : {
        ...model,
        script: {
          format: 'smartlite-script/1' as const,
          rules: [
            { when: 'many', steps: [...MANY, { exit: 7 }] },
            { when: 'hold', steps: [token('one'), { hold: 'never' }, token('two')] },
            { when: 'fail', steps: [{ fail: { code: 'invalid-argument', message: 'no such word' } }] },
            { when: 'crash', steps: [token('one'), { exit: 3 }] },
            { steps: [token('hello'), token('there')] },
          ],
        },
      },
);
type Mind = EngineProcess<string, { readonly text: string }>;

const alarms: { artifact: string; code: string }[] = [];
const silent = () => {};
let domain: TestDomain;
let host: RunningHost;
let mind: Mind;
beforeAll(async () => {
  domain = await testDomain({ models: MODELS });
  host = createEngineHost({
    models: await domain.modelFiles(),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    guard: { alarm: (alarm) => void alarms.push(alarm) },
    engines: { scripted: SCRIPTED },
  });
  mind = await host.start('mind');
});
afterAll(() => {
  host.close();
  domain[Symbol.dispose]();
});

const never = new AbortController().signal;
const textsOf = async (engine: Mind, request: string, signal = never) => {
  const texts: string[] = [];
  for await (const { text } of engine.run(request, signal)) texts.push(text);
  return texts;
};

describe('an engine process', () => {
  it('answers from the artifacts that its lock covers, and names them', async () => {
    expect(await textsOf(mind, 'hi')).toEqual(['hello', 'there']);
    expect(mind).toMatchObject({ modelId: 'mind', engine: 'scripted', lockDigest: domain.lockDigest(), inflight: 0, queued: 0 });
    expect(mind.artifactDigests).toEqual([expect.stringMatching(/^sha256:[0-9a-f]{64}$/)]);
  });

  it('gives a failure of its engine on with its code, and goes on', async () => {
    await expect(textsOf(mind, 'fail')).rejects.toMatchObject({ code: 'invalid-argument', message: 'no such word' });
    expect(await textsOf(mind, 'hi')).toEqual(['hello', 'there']);
  });

  it('lets work wait for its turn, and drops it when its caller leaves', async () => {
    const first = mind.run('hold', never)[Symbol.asyncIterator]();
    await first.next();
    const leaving = new AbortController();
    const waiting = textsOf(mind, 'hi', leaving.signal);
    const patient = textsOf(mind, 'hi');
    await expect.poll(() => mind.queued, PATIENCE).toBe(2);
    leaving.abort(new MeshError('cancelled', 'left'));
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    expect(mind.queued).toBe(1);
    // Leaving the iteration cancels the work in the child and frees the place.
    await first.return?.();
    expect(await patient).toEqual(['hello', 'there']);
  });

  it('is not ahead of a slow reader by more than the window', async () => {
    const wide: Mind = await host.start('mind', { concurrency: 2 });
    const answers = wide.run('many', never)[Symbol.asyncIterator]();
    await answers.next();
    // The script ends its process right after its last chunk: as long as that may not be sent, other work is done.
    for (let again = 0; again < 3; again += 1) expect(await textsOf(wide, 'hi')).toEqual(['hello', 'there']);
    for (let read = 1; read < MANY.length; read += 1) expect((await answers.next()).done).toBe(false);
    await expect(answers.next()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await wide.exited).toMatchObject({ code: 7 });
  });

  it('goes on under a new lock that covers its bytes and its model as they are, and under no other', async () => {
    const files = await domain.modelFiles();
    const old = mind.lockDigest;
    const pack = readFileSync(domain.files.pack, 'utf8');
    const repacked = async (change: (pack: Pack) => unknown) => {
      writeFileSync(domain.files.pack, JSON.stringify(change(JSON.parse(pack) as Pack)));
      await domain.sign();
      return files.verify();
    };
    const lexicon = { pronunciations: [{ term: 'Qdrant', ipa: 'ˈkwɑdɹənt' }], domain_terms: [] };
    const retuned = await repacked((given) => ({
      ...given,
      models: given.models.map((model) =>
        model.id === 'mind' ? { ...model, settings: { ...model.settings, holds: '/else' } } : model,
      ),
    }));
    expect([await mind.relock(retuned), mind.lockDigest]).toEqual([false, old]);
    const respelled = await repacked((given) => ({ ...given, lexicon }));
    // What is signed by nobody whom the process trusts covers nothing, whatever it says.
    const forged = Buffer.from(respelled.lockBytes.toString().replace('"sequence"', '"sequence "'));
    expect(await mind.relock({ ...respelled, lockBytes: forged })).toBe(false);
    expect([await mind.relock(respelled), mind.lockDigest]).toEqual([true, respelled.lockDigest]);
    expect(mind.lockDigest).not.toBe(old);
    expect(await textsOf(mind, 'hi')).toEqual(['hello', 'there']);
  });

  it('that is killed fails what is under way as unavailable', async () => {
    const answers = mind.run('hold', never)[Symbol.asyncIterator]();
    await answers.next();
    const next = answers.next();
    mind.kill();
    await expect(next).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(await mind.exited).toMatchObject({ signal: 'SIGKILL' });
    await expect(textsOf(mind, 'hi')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('the environment of an engine process', () => {
  /** An engine that tells the names of what it could read. */
  const TELLS = new URL(
    `data:text/javascript,${encodeURIComponent(
      "export const engine = { artifactsAs: 'bytes', load: async () => ({ async *run() { yield { text: Object.keys(process.env).join() }; } }) };",
    )}`,
  );
  const namesGiven = async (settings: Readonly<Record<string, unknown>>): Promise<readonly string[]> => {
    const telling = createEngineHost({
      models: await domain.modelFiles(),
      log: { debug: silent, info: silent, warn: silent, error: silent },
      guard: { alarm: () => {} },
      engines: { scripted: TELLS },
    });
    try {
      const [names = ''] = await textsOf(await telling.start('quick-ears', { settings }), '');
      return names.split(',').filter((name) => name.startsWith('SMARTLITE_'));
    } finally {
      telling.close();
    }
  };
  const SECRETS = ['SMARTLITE_UPSTREAM_ONE', 'SMARTLITE_UPSTREAM_TWO', 'SMARTLITE_NATS_CREDENTIALS'];
  beforeAll(() => {
    for (const name of SECRETS) process.env[name] = 'x';
  });
  afterAll(() => {
    for (const name of SECRETS) delete process.env[name];
  });

  it("holds none of the service's secrets, unless the model's settings name the key of an upstream", async () => {
    expect(await namesGiven({})).toEqual([]);
    expect(await namesGiven({ api_key_env: 'SMARTLITE_UPSTREAM_ONE' })).toEqual(['SMARTLITE_UPSTREAM_ONE']);
  });

  it('never holds a secret that is no key of an upstream, whatever a pack names', async () => {
    expect(await namesGiven({ api_key_env: 'SMARTLITE_NATS_CREDENTIALS', other: 'SMARTLITE_UPSTREAM_TWO' })).toEqual([]);
  });
});

describe('an engine process whose bytes differ from the lock', () => {
  it('loads as long as nothing is changed; then its own finding keeps it from loading and raises an alarm', async () => {
    (await host.start('spare-mind')).kill();
    const file = domain.artifact('spare-mind');
    const good = readFileSync(file);
    writeFileSync(file, good.toString().replace('hello', 'jello'));
    await expect(host.start('spare-mind')).rejects.toMatchObject({
      code: 'unavailable',
      facts: { finding: 'DIGEST_MISMATCH', artifact: 'spare-mind-script' },
    });
    expect(alarms).toMatchObject([{ artifact: 'spare-mind-script', code: 'DIGEST_MISMATCH', lockDigest: domain.lockDigest() }]);
    writeFileSync(file, good);
  });

  it('does not load what is missing, and raises no alarm: no wrong byte was seen', async () => {
    rmSync(domain.artifact('mouth'));
    expect(existsSync(domain.artifact('mouth'))).toBe(false);
    await expect(host.start('mouth')).rejects.toMatchObject({ facts: { finding: 'ARTIFACT_MISSING' } });
    expect(alarms).toHaveLength(1);
  });

  it('does not load a model that the pack does not name', async () => {
    await expect(host.start('nobody')).rejects.toMatchObject({ code: 'not-found' });
  });
});
