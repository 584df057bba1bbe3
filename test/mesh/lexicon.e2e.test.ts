import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealMesh, realMesh } from './realmesh.ts';

const OPS = join(import.meta.dirname, '..', '..', 'ops');
/** A new pack is verified, rolled out and its engines are loaded, on whatever machine. */
const PATIENCE = { timeout: 180_000, interval: 500 };

interface PackFile {
  readonly lexicon: { readonly pronunciations: { term: string; ipa: string }[]; readonly domain_terms: string[] };
}

let folder: string;
let mesh: RealMesh;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'smartlite-lexicon-'));
  symlinkSync(join(OPS, 'models'), join(folder, 'models'));
  writeFileSync(packFile(), readFileSync(join(OPS, 'MODEL_PACK.json')));
  mesh = await realMesh({ up: ['--pack', packFile()] });
});
afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const packFile = () => join(folder, 'MODEL_PACK.json');
const authorized = () => ({ authorization: `Bearer ${mesh.apiKey}` });

/** The mesh's own voice; empty while it may not speak. */
async function spoken(text: string): Promise<Buffer> {
  const response = await fetch(`${mesh.gateway}/v1/audio/speech`, {
    method: 'POST',
    headers: { ...authorized(), 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tts-1', voice: 'alloy', input: text, response_format: 'wav' }),
  });
  const body = Buffer.from(await response.arrayBuffer());
  return response.ok ? body : Buffer.alloc(0);
}

/** What the mesh writes of a recording; empty while it may not listen. */
async function written(wav: Buffer): Promise<string> {
  const form = new FormData();
  form.append('model', 'whisper-1');
  form.append('file', new Blob([new Uint8Array(wav)]), 'speech.wav');
  const response = await fetch(`${mesh.gateway}/v1/audio/transcriptions`, { method: 'POST', headers: authorized(), body: form });
  return response.ok ? ((await response.json()) as { text: string }).text : '';
}

async function pids(): Promise<readonly string[]> {
  const { instances } = await mesh.facts<{ instances: readonly { service: string; pid: number }[] }>('status');
  return instances.map(({ service, pid }) => `${service} ${pid}`).toSorted();
}

describe('terms of the lexicon', () => {
  it.each(['Qdrant', 'nginx', 'Siobhan', 'SmartLite'])('are spoken by the mesh and written back by it: %s', async (term) => {
    expect(await written(await spoken(`What is ${term}?`))).toContain(term);
  });
});

describe('a pack with another lexicon, signed while the mesh runs', () => {
  it('is spoken and written by the same processes', async () => {
    const question = await spoken('What is Qdrant?');
    const before = await pids();
    const pack = JSON.parse(readFileSync(packFile(), 'utf8')) as PackFile;
    const entry = pack.lexicon.pronunciations.find(({ term }) => term === 'Qdrant');
    pack.lexicon.pronunciations.push({ term: 'QuadDB', ipa: entry?.ipa ?? '' });
    if (entry) entry.ipa = 'ˈkjudɹænt';
    writeFileSync(packFile(), JSON.stringify(pack));
    expect((await mesh.smartlite('sign', '--pack', packFile())).code).toBe(0);
    await expect.poll(() => written(question), PATIENCE).toContain('QuadDB');
    await expect
      .poll(async () => {
        const again = await spoken('What is Qdrant?');
        return again.length > 0 && !again.equals(question);
      }, PATIENCE)
      .toBe(true);
    expect(await pids()).toEqual(before);
  });
});
