import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createLocalDomain,
  type Lock,
  loadArtifact,
  loadArtifactToPrivateFile,
  type LocalDomain,
  pemSigner,
  sha256Hex,
  signLock,
  type TrustError,
  verifyArtifacts,
  verifyLock,
  artifactSignatureFindings,
  verifyRoleCertificate,
  canonicalBytes,
} from './index.ts';
import { readFile } from 'node:fs/promises';

const NOW = Date.UTC(2030, 0, 1);
let root: string;
let domain: LocalDomain;
let pack: Uint8Array;

const FILES: Record<string, Buffer> = {
  'a/weights.gguf': Buffer.from('GGUF and more bytes'),
  'b/words.txt': Buffer.from('hello\n'),
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'trust-'));
  for (const [path, bytes] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), bytes);
  }
  domain = await createLocalDomain('fleet-1', NOW);
  pack = Buffer.from(JSON.stringify(packOf()));
});
afterAll(() => rm(root, { recursive: true }));

function packOf() {
  const artifact = (id: string, path: string, role: string, format: string) => ({
    id,
    path,
    role,
    format,
    size: FILES[path]?.length,
    sha256: sha256Hex(FILES[path] as Buffer),
    licence: 'MIT',
    source: { kind: 'file', path },
  });
  const model = (id: string, service: string) => ({
    id,
    service,
    engine: 'scripted',
    artifacts: ['a', 'b'],
    architecture: 'none',
    licence: 'MIT',
    settings: {},
  });
  const latency = { target_ms: 1, p99_ms: 2 };
  return {
    format: 'smartlite-pack/1',
    name: 'test',
    version: '1',
    artifacts: [artifact('a', 'a/weights.gguf', 'weights', 'gguf'), artifact('b', 'b/words.txt', 'vocabulary', 'data')],
    models: [model('m-asr', 'asr'), model('m-llm', 'llm'), model('m-tts', 'tts')],
    asr_pack: {
      default_tier: 't',
      vad: 'm-asr',
      partials: 'm-asr',
      tiers: { t: { device: 'cpu', ...latency, candidates: [{ model: 'm-asr', role: 'primary' }] } },
    },
    llm_tiers: {
      default_tier: 't',
      tiers: { t: { token_budget: { prompt: 1, answer: 1 }, candidates: [{ model: 'm-llm', role: 'primary' }] } },
    },
    tts_pack: { roles: { v: { role: 'primary', model: 'm-tts' } } },
    latency_profile: { asr: latency, llm: latency, tts: latency, turn: latency },
    residency_policy: { regions: ['local'], rules: [] },
    lexicon: { pronunciations: [], domain_terms: [] },
    token_budget: { limits: [] },
  };
}
const signed = (sequence = 1) =>
  signLock({
    pack,
    root,
    fleet: 'fleet-1',
    generation: 1,
    sequence,
    previous: null,
    nowMs: NOW,
    signers: [{ signer: pemSigner(domain.signing.key), chain: domain.signing.chain }],
  });
const proven = async (bytes?: Uint8Array) =>
  verifyLock({ lock: bytes ?? (await signed()).bytes, pack, trust: domain.trust, nowMs: NOW + 1000 });

describe('a lock signed in its own domain', () => {
  it('is proven, and so are its artifacts and their own signatures', async () => {
    const lock = await proven();
    const report = await verifyArtifacts(root, lock.lock.manifest);
    expect(report.findings).toEqual([]);
    expect(artifactSignatureFindings(lock, (id) => report.artifacts.find((each) => each.id === id)?.sha256)).toEqual([]);
    expect((await loadArtifact(root, lock.lock, 'a')).bytes).toEqual(FILES['a/weights.gguf']);
    const file = await loadArtifactToPrivateFile(root, lock.lock, 'a', tmpdir());
    expect(await readFile(file.path)).toEqual(FILES['a/weights.gguf']);
    await file.close();
  });

  it('is proven with its keys in another order, for the signature is over the canonical form', async () => {
    const { file } = await signed();
    const reordered = Object.fromEntries(Object.entries(file).reverse());
    expect((await proven(Buffer.from(JSON.stringify(reordered)))).lock.sequence).toBe(1);
  });

  it('is refused when any value of the signed part is another', async () => {
    const { file } = await signed();
    for (const change of [
      { sequence: 2 },
      { fleet: 'fleet-2' },
      { verification_policy: { ...file.verification_policy, enforce_signatures: false } },
    ] as Partial<Lock>[]) {
      await expect(proven(Buffer.from(JSON.stringify({ ...file, ...change })))).rejects.toMatchObject({ name: 'TrustError' });
    }
  });

  it('does not trust the key of another domain', async () => {
    const other = await createLocalDomain('fleet-1', NOW);
    const forged = await signLock({
      pack,
      root,
      fleet: 'fleet-1',
      generation: 1,
      sequence: 1,
      previous: null,
      nowMs: NOW,
      signers: [{ signer: pemSigner(other.signing.key), chain: other.signing.chain }],
    });
    await expect(proven(forged.bytes)).rejects.toMatchObject({ code: 'KEY_UNTRUSTED' } satisfies Partial<TrustError>);
  });

  it('gives each identity its one role', async () => {
    expect(verifyRoleCertificate(domain.operator.chain, domain.trust, ['operator'], NOW).subject).toBe('local');
    expect(() => verifyRoleCertificate(domain.operator.chain, domain.trust, ['lock-status'], NOW)).toThrow(/for operator/);
  });

  it('has one canonical form', () => {
    expect(Buffer.from(canonicalBytes({ b: 1, a: [1e21, 'é'] })).toString()).toBe('{"a":[1e+21,"é"],"b":1}');
  });
});
