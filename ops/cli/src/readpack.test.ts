import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPack } from './readpack.ts';

const OPS = join(import.meta.dirname, '..', '..');
const PACK = readFileSync(join(OPS, 'MODEL_PACK.json'), 'utf8');
const OLDER = readFileSync(join(OPS, 'latency_profile.json'), 'utf8');

/** A folder with a pack, and an older profile where one is given; gives the pack's path. */
function folder(pack: string, older?: string): string {
  const path = mkdtempSync(join(tmpdir(), 'smartlite-pack-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  writeFileSync(join(path, 'MODEL_PACK.json'), pack);
  if (older !== undefined) writeFileSync(join(path, 'latency_profile.json'), older);
  return join(path, 'MODEL_PACK.json');
}

describe('a pack', () => {
  it('is read alone, and beside an older latency profile that agrees', async () => {
    expect((await readPack(folder(PACK))).pack.name).toBe('embedded');
    expect((await readPack(folder(PACK, OLDER))).pack.name).toBe('embedded');
  });

  it('is refused beside one that contradicts it, with both places', async () => {
    const other = OLDER.replace('"target_ms": 500', '"target_ms": 600');
    await expect(readPack(folder(PACK, other))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(
        '/services/llm/target_ms is 600, but /latency_profile/llm/target_ms of the pack is 500',
      ) as string,
    });
  });

  it('is refused beside one that cannot be read, and with a pronunciation that cannot be spoken', async () => {
    await expect(readPack(folder(PACK, '{"services":{}}'))).rejects.toThrow(/at \/services\/asr/);
    await expect(readPack(folder(PACK.replace('ˈkwɑdɹənt', 'ˈkwɑd?ənt')))).rejects.toThrow(
      /\/lexicon\/pronunciations\/1\/ipa: pronunciation of "Qdrant", character 6/,
    );
  });
});
