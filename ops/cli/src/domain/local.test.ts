import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createHash, createPublicKey } from 'node:crypto';
import { parseLock, roleTrust, splitPem, verifyLock } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { temporaryPlace } from '../up/fixtures/mesh.ts';
import { artifactOf, packOf } from '../up/fixtures/pack.ts';
import type { Place } from '../up/place.ts';
import { readTrust } from './files.ts';
import { ensureLocalDomain } from './local.ts';

const NOW = Date.UTC(2030, 0, 1);
const DAY_MS = 86_400_000;

/** A place with one artifact and a pack over it. */
function placeWithPack(): Place & Disposable {
  const temporary = temporaryPlace();
  const place = { ...temporary, pack: join(temporary.state, 'pack.json'), models: join(temporary.state, 'models') };
  writePack(place, 'words');
  return place;
}

function writePack(place: Place, words: string): void {
  const artifact = artifactOf('words', Buffer.from(words), { kind: 'file', path: 'words.txt' });
  mkdirSync(dirname(join(place.models, artifact.path)), { recursive: true });
  writeFileSync(join(place.models, artifact.path), words);
  writeFileSync(place.pack, packOf([artifact]));
}

async function proven(place: Place, nowMs = NOW) {
  const trust = await readTrust(place.trust);
  if (trust === undefined) throw new Error('no trust document');
  return { trust, ...verifyLock({ lock: readFileSync(place.lock), pack: readFileSync(place.pack), trust, nowMs }) };
}

describe('a machine without a trust domain', () => {
  it('gets one of its own, and a lock that verifies', async () => {
    using place = placeWithPack();
    const { news } = await ensureLocalDomain(place, NOW);
    const { lock, trust } = await proven(place);
    expect(lock).toMatchObject({ sequence: 1, previous: null, fleet: expect.stringMatching(/^local-[0-9a-f]{16}$/) });
    expect(trust.class).toBe('development');
    expect(news.join('\n')).toMatch(/New development trust domain[\s\S]*Lock 1 signed/);
  });

  it('keeps private keys for their owner alone', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const { statSync } = await import('node:fs');
    const modes = [
      join(place.keys, 'root-ca-key.pem'),
      join(place.keys, 'intermediate-ca-key.pem'),
      join(place.certs, 'model-signing-key.pem'),
    ].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('does not replace the lock of another fleet', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const team = { ...parseLock(readFileSync(place.lock)), fleet: 'voice-team' };
    using other = placeWithPack();
    writeFileSync(other.lock, JSON.stringify(team));
    await expect(ensureLocalDomain(other, NOW)).rejects.toThrow(/belongs to fleet "voice-team"/);
  });
});

describe('a development domain', () => {
  it('is left as it is by a second start', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const lock = readFileSync(place.lock);
    expect((await ensureLocalDomain(place, NOW + DAY_MS)).news).toEqual([]);
    expect(readFileSync(place.lock).equals(lock)).toBe(true);
  });

  it('signs a changed pack anew, one sequence higher, and says and logs it', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const former = (await proven(place)).digest;
    writePack(place, 'other words');
    const { news } = await ensureLocalDomain(place, NOW);
    expect((await proven(place)).lock).toMatchObject({ sequence: 2, previous: former });
    expect(news).toEqual([expect.stringContaining('the pack has changed')]);
    expect(
      readFileSync(place.auditLog, 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { facts: { lockSequence: number } }).facts.lockSequence),
    ).toEqual([1, 1, 2, 2]);
  });

  it('refuses to sign bytes that the pack does not pin, and keeps the former lock', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const lock = readFileSync(place.lock);
    writePack(place, 'other words');
    writeFileSync(join(place.models, 'words', 'data.bin'), 'evil! words');
    await expect(ensureLocalDomain(place, NOW)).rejects.toThrow(/not what the pack pins/);
    expect(readFileSync(place.lock).equals(lock)).toBe(true);
  });

  it('leaves a lock that was tampered with for the verifier to judge', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const tampered = readFileSync(place.lock, 'utf8').replace('"enforce_signatures": true', '"enforce_signatures": false');
    writeFileSync(place.lock, tampered);
    await ensureLocalDomain(place, NOW);
    expect(readFileSync(place.lock, 'utf8')).toBe(tampered);
  });

  it('rotates its signing key near the end of 90 days, and signs anew with it', async () => {
    using place = placeWithPack();
    await ensureLocalDomain(place, NOW);
    const first = readFileSync(join(place.certs, 'model-signing-cert.pem'), 'utf8');
    const { news } = await ensureLocalDomain(place, NOW + 80 * DAY_MS);
    expect(news.join('\n')).toMatch(/Signing key rotated[\s\S]*Lock 2 signed/);
    expect(readFileSync(join(place.certs, 'model-signing-cert.pem'), 'utf8')).not.toBe(first);
    expect((await proven(place, NOW + 120 * DAY_MS)).lock.sequence).toBe(2);
  });

  it('certifies a process for one role, and keeps its key when the certificate is renewed', async () => {
    using place = placeWithPack();
    const { domain } = await ensureLocalDomain(place, Date.now());
    const folder = join(place.identities, 'asr-1');
    const keyOf = () =>
      createHash('sha256')
        .update(createPublicKey(readFileSync(join(folder, 'key.pem'))).export({ type: 'spki', format: 'der' }))
        .digest('hex');
    await domain.certify(folder, { role: 'instance', instance: 'asr-1' });
    const before = keyOf();
    await domain.certify(folder, { role: 'instance', instance: 'asr-1' });
    const chain = splitPem(readFileSync(join(folder, 'certificate.pem'), 'utf8'));
    const { trust } = await proven(place, Date.now());
    expect(keyOf()).toBe(before);
    expect(roleTrust(trust).role(chain, ['instance'], Date.now()).role).toBe('instance');
    expect(() => roleTrust(trust).role(chain, ['lock-status'], Date.now())).toThrow();
  });
});
