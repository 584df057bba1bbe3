import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalBytes, encodeSignature, guardKey, parseDerSignature, TrustError } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { verifyDigestSignature, verifySignature } from '../../libs/trust/src/signature.ts';
import { sha256, sha256Hex } from '../../libs/trust/src/digest.ts';

const VECTORS = join(import.meta.dirname, '..', 'vectors');

interface Case {
  readonly tcId: number;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid';
}
interface Wycheproof {
  readonly testGroups: readonly { readonly publicKeyDer: string; readonly tests: readonly Case[] }[];
}

/** Cases with what became of each: accepted, or the finding's code. */
function judge(
  file: string,
  proof: (message: Buffer, signature: string, key: ReturnType<typeof guardKey>) => void,
  textOf: (sig: Buffer) => string,
) {
  const { testGroups } = JSON.parse(readFileSync(join(VECTORS, 'wycheproof', file), 'utf8')) as Wycheproof;
  return testGroups.flatMap(({ publicKeyDer, tests }) => {
    const key = guardKey(Buffer.from(publicKeyDer, 'hex'), 'secp256k1');
    return tests.map(({ msg, sig, result }) => {
      const outcome = outcomeOf(() => proof(Buffer.from(msg, 'hex'), textOf(Buffer.from(sig, 'hex')), key));
      return { result, outcome };
    });
  });
}

function outcomeOf(work: () => void): string {
  try {
    work();
    return 'accepted';
  } catch (caught) {
    if (caught instanceof TrustError) return caught.code;
    throw caught;
  }
}

describe('Wycheproof’s signatures of secp256k1, 64 bytes', () => {
  const byNode = judge(
    'ecdsa_secp256k1_sha256_p1363_test.json',
    (message, sig, key) => verifySignature(message, sig, key, 'it'),
    encodeSignature,
  );
  const byReference = judge(
    'ecdsa_secp256k1_sha256_p1363_test.json',
    (message, sig, key) => verifyDigestSignature(sha256(message), sig, key, 'it'),
    encodeSignature,
  );

  it.each([
    ['node:crypto behind the guards', byNode],
    ['the reference', byReference],
  ])(
    'are told apart by %s: of the valid ones exactly the 72 with high S are refused, and no invalid one is accepted',
    (_by, cases) => {
      const valid = cases.filter(({ result }) => result === 'valid');
      const refused = valid.filter(({ outcome }) => outcome !== 'accepted');
      expect(refused.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 72 }, () => 'SIGNATURE_HIGH_S'));
      expect(valid.length - refused.length).toBe(95);
      expect(cases.filter(({ result, outcome }) => result === 'invalid' && outcome === 'accepted')).toEqual([]);
    },
  );
});

describe('Wycheproof’s signatures of secp256k1, DER', () => {
  it('are read strictly: what is not the one encoding is refused, and only high S among the valid', () => {
    const cases = judge(
      'ecdsa_secp256k1_sha256_test.json',
      (message, sig, key) => verifySignature(message, sig, key, 'it'),
      (der) => encodeSignature(parseDerSignature(der)),
    );
    const outcomes = new Set(
      cases.filter(({ result, outcome }) => result === 'valid' && outcome !== 'accepted').map(({ outcome }) => outcome),
    );
    expect([...outcomes]).toEqual(['SIGNATURE_HIGH_S']);
    expect(cases.filter(({ result, outcome }) => result === 'invalid' && outcome === 'accepted')).toEqual([]);
  });
});

/** Numbers that are written down, then 2,000 in a row, then what SHA-256 makes of itself: the order of the published number file. */
function* numbers(count: number): Generator<number> {
  const written = JSON.parse(readFileSync(join(VECTORS, 'rfc8785', 'numbers.json'), 'utf8')) as string[];
  const row = Array.from({ length: 2_000 }, (_, index) => (0x0010000000000000n + BigInt(index)).toString(16));
  for (const hex of [...written, ...row]) yield Buffer.from(hex.padStart(16, '0'), 'hex').readDoubleBE();
  let left = count - written.length - row.length;
  for (let block: Buffer = Buffer.alloc(32); left > 0; ) {
    block = Buffer.from(sha256(block));
    for (let at = 0; at < block.length; at += 8) {
      const number = block.readDoubleLE(at);
      if (number === 0 || !Number.isFinite(number) || left === 0) continue;
      left -= 1;
      yield number;
    }
  }
}

/** "IEEE 754 in hex,canonical form" */
function numberLine(number: number): string {
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(number);
  return `${bits.readBigUInt64BE().toString(16)},${Buffer.from(canonicalBytes(number)).toString()}\n`;
}

describe('RFC 8785’s number file', () => {
  it('has the published digest over its first 10,000 lines', () => {
    const lines = [...numbers(10_000)].map(numberLine).join('');
    expect(sha256Hex(Buffer.from(lines))).toBe('b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892');
  });
});

describe('RFC 8785’s test data', () => {
  const names = readdirSync(join(VECTORS, 'rfc8785', 'input'));

  it('is all there', () => expect(names).toHaveLength(6));

  it.each(names)('has the canonical form that it should have: %s', (name) => {
    const [input, output] = ['input', 'output'].map((folder) => readFileSync(join(VECTORS, 'rfc8785', folder, name)));
    expect(Buffer.from(canonicalBytes(JSON.parse(String(input)))).equals(output ?? Buffer.of())).toBe(true);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', undefined, 1n, { a: undefined }])('has no form for %s', (value) => {
    expect(() => canonicalBytes(value)).toThrow();
  });
});
