import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pemSigner, signedPart, type LockFile } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import type { Attack } from './attack.ts';
import { BYTES } from './bytes.ts';
import { ATTACKS, inProcess } from './all.ts';
import { NOW, remember, signature, stage } from './stage.ts';
import { tableOf } from './table.ts';

for (const [group, attacks] of Object.entries(ATTACKS)) {
  describe(`an attack on ${group.toLowerCase()} is refused with its own finding`, () => {
    it.each(attacks.filter(inProcess))('$name: $code', async ({ code, mode, act }) => {
      using target = await stage();
      expect(await target.verify()).toMatchObject({ ok: true, mode: 'normal', findings: [] });
      await act(target);
      const found = await target.verify();
      expect(found.findings.map((each) => each.code)).toContain(code);
      expect({ ok: found.ok, mode: found.mode }).toEqual({ ok: false, mode });
    });
  });
}

describe('what is no attack', () => {
  it('is accepted: the lock’s keys in another order', async () => {
    using target = await stage();
    target.edit((lock) => Object.fromEntries(Object.entries(lock).toReversed()));
    expect(await target.verify()).toMatchObject({ ok: true });
  });

  it('is accepted, and believed in nothing: runtime_state edited to verified', async () => {
    using target = await stage();
    target.edit((lock) => ({ ...lock, runtime_state: { mode: 'normal', verification: 'passed' } }));
    expect(await target.verify()).toMatchObject({ ok: true });
    (BYTES[0] as Attack).act(target);
    expect(await target.verify()).toMatchObject({ ok: false, mode: 'safe' });
  });

  it('is accepted: two distinct keys where two are due', async () => {
    using target = await stage();
    const { createSigningKey, readPrivateKey } = await import('@smartlite/trust');
    const { signing, intermediate } = target.domain;
    const second = await createSigningKey(
      { key: readPrivateKey(intermediate.key), certificate: intermediate.chain[0] ?? '' },
      target.trust.fleet,
      NOW,
    );
    await target.sign({ signers: [signing, second].map(({ key, chain }) => ({ signer: pemSigner(key), chain })) });
    target.trust = { ...target.trust, thresholds: { lock: 2 } };
    expect(await target.verify()).toMatchObject({ ok: true });
  });

  it('is accepted: the last good lock of a revoked key', async () => {
    using target = await stage();
    const { digest, file } = await target.sign({ sequence: 5 });
    const keyid = file.signatures.lock[0]?.keyid ?? '';
    target.trust = { ...target.trust, revocations: [{ keyid, last_good: { sequence: 5, digest } }] };
    expect(await target.verify()).toMatchObject({ ok: true });
  });

  it('recovers from a lock at the end of all sequences by a new generation', async () => {
    using target = await stage();
    await remember(target, await target.sign({ sequence: Number.MAX_SAFE_INTEGER }));
    target.trust = { ...target.trust, generation: 2 };
    await target.sign({ generation: 2, sequence: 1, previous: null });
    expect(await target.verify()).toMatchObject({ ok: true, lockSequence: 1 });
  });

  it('is a lock whose signed part says what it said when it was signed', async () => {
    using target = await stage();
    const lock = JSON.parse(Buffer.from(target.lock).toString()) as LockFile;
    expect(await signature(signedPart(lock), target.domain.signing.key)).toEqual(lock.signatures.lock[0]);
  });
});

describe('the table of attacks in the documents', () => {
  it('says what the tests show (else: node test/attacks/write.ts)', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'ops', 'runbooks', 'attacks.md'), 'utf8');
    expect(page).toContain(tableOf(ATTACKS));
  });
});
