import { generateKeyPairSync } from 'node:crypto';
import type { AuditEntry } from '@smartlite/contracts';
import {
  type AnswerReceipt,
  createIdentity,
  createLocalDomain,
  encodeAnswerReceipt,
  type ProvenLock,
  readAnswerReceipt,
  readPrivateKey,
  roleIdentity,
  roleTrust,
  saltedHash,
  signBootKey,
  signTrailEntry,
} from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { judgeReceipt, type ReceiptGround } from './receipt.ts';
import { ProducerSignatures } from './signatures.ts';

const NOW = Date.UTC(2026, 5, 1);
const SALT = '5'.repeat(32);
const LOCK = `sha256:${'b'.repeat(64)}` as const;
const ARTIFACT = 'a'.repeat(64);
const domain = await createLocalDomain('fleet-1', NOW);
const trust = roleTrust(domain.trust);
const [certificate = ''] = domain.intermediate.chain;

async function boot(instance = 'gateway-1', subject = instance) {
  const issuer = { key: readPrivateKey(domain.intermediate.key), certificate };
  const { key, chain } = await createIdentity(issuer, { role: 'instance', fleet: 'fleet-1', subject }, NOW);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const of = { fleet: 'fleet-1', generation: 1, service: 'gateway', instance, boot: 'b0' };
  return {
    of,
    privateKey,
    certificate: signBootKey({ ...of, atUnixMs: NOW, publicKey }, roleIdentity('instance', key, chain.join('\n'))),
  };
}
const gateway = await boot();
const digestOf = (part: 'answer', text: string) => {
  const hash = saltedHash(SALT, part);
  hash.update(text);
  return hash.hex();
};

const RECEIPT: AnswerReceipt = {
  ...gateway.of,
  entry: 'gateway-1.b0.2',
  atUnixMs: NOW,
  dueUnixMs: NOW + 10_000,
  traceId: 'c'.repeat(32),
  request: { audio: 'd'.repeat(64) },
  output: { answer: digestOf('answer', 'three') },
  stages: [
    {
      stage: 'llm',
      model: 'mind',
      tier: 'lite',
      role: 'primary',
      because: 'it is the primary',
      artifacts: [`sha256:${ARTIFACT}`],
      lock: LOCK,
      order: '1.1.1.1',
    },
  ],
};
const signed = encodeAnswerReceipt(RECEIPT, gateway.privateKey, gateway.certificate);

function entryOf(receipt: AnswerReceipt, digest: string): NonNullable<ReceiptGround['entry']> {
  const [llm] = receipt.stages as [AnswerReceipt['stages'][number]];
  const { stage: _stage, ...served } = llm;
  const facts = Object.fromEntries(Object.entries(served).map(([name, value]) => [`llm_${name}`, value]));
  const said: AuditEntry = {
    id: receipt.entry,
    producer: receipt.instance,
    service: 'gateway',
    boot: receipt.boot,
    counter: 2,
    atUnixMs: receipt.atUnixMs,
    kind: 'turn.answered',
    actor: 'acme/ann',
    traceId: receipt.traceId,
    salt: '0'.repeat(32),
    previous: null,
    facts: {
      ...facts,
      request_audio: receipt.request['audio'] ?? null,
      output_answer: receipt.output['answer'] ?? null,
      receipt: digest,
    },
  };
  const line = signTrailEntry(JSON.stringify(said), gateway.privateKey);
  return { said: JSON.parse(line) as AuditEntry, bytes: Buffer.from(line) };
}
const GROUND: ReceiptGround = {
  trust,
  certificate: undefined,
  entry: entryOf(RECEIPT, signed.digest),
  lock: {
    digest: LOCK,
    lock: { manifest: [{ id: 'weights', sha256: ARTIFACT }] },
    pack: { models: [{ id: 'mind', artifacts: ['weights'] }] },
  } as unknown as ProvenLock,
  nowUnixMs: NOW + 60_000,
  own: { salt: SALT, request: {}, output: { answer: 'three' } },
};
const judge = (text: string, more: Partial<ReceiptGround> = {}) =>
  judgeReceipt(readAnswerReceipt(text), { ...GROUND, ...more }).map(({ code, where }) => `${code} ${where}`);

/** Every field of a value, with another of its kind in its place. */
function changes(value: unknown, path: readonly (string | number)[] = []): { path: readonly (string | number)[]; to: unknown }[] {
  if (typeof value === 'string')
    // Stays of the shape that is asked for: hex for hex.
    return [{ path, to: value.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }];
  if (typeof value === 'number') return [{ path, to: value + 1 }];
  return Object.entries(value as object).flatMap(([name, part]) => changes(part, [...path, name]));
}
function changed(path: readonly (string | number)[], to: unknown): AnswerReceipt {
  const copy = structuredClone(RECEIPT);
  let at = copy as unknown as Record<string | number, unknown>;
  for (const name of path.slice(0, -1)) at = at[name] as typeof at;
  at[path.at(-1) as string] = to;
  return copy;
}

describe('a receipt as it was given', () => {
  it('is proven against log, lock and the caller’s own copy', () => {
    expect(judge(signed.text)).toEqual([]);
  });

  it('is a promise until its deadline, and evidence after it', () => {
    expect(judge(signed.text, { entry: undefined, nowUnixMs: NOW + 10_000 })).toEqual([]);
    expect(judge(signed.text, { entry: undefined, nowUnixMs: NOW + 10_001 })).toEqual(['RECEIPT_BROKEN entry']);
  });

  it('needs the certificate of its key: its own, or the one in the log', () => {
    const bare = encodeAnswerReceipt(RECEIPT, gateway.privateKey).text;
    expect(judge(bare, { certificate: gateway.certificate })).toEqual([]);
    expect(judge(bare)).toEqual(['RECEIPT_UNTRUSTED boot']);
  });

  it('is not of another answer, nor of another salt', () => {
    const own = { salt: SALT, request: {}, output: { answer: 'four' } };
    expect(judge(signed.text, { own })).toEqual(['RECEIPT_NOT_OF_THIS output/answer']);
    expect(judge(signed.text, { own: { ...own, salt: '6'.repeat(32), output: { answer: 'three' } } })).toEqual([
      'RECEIPT_NOT_OF_THIS output/answer',
    ]);
  });
});

describe('a false receipt', () => {
  const all = changes(RECEIPT);

  it.each(all.map(({ path, to }) => [path.join('/'), path, to] as const))(
    'is named when %s was changed after it was signed, and also when the instance itself signs something else than it logged',
    (_name, path, to) => {
      const lie = changed(path, to);
      const [, , signature, certified] = signed.text.split('.');
      const forged = ['smartlite-receipt-v1', Buffer.from(JSON.stringify(lie)).toString('base64url'), signature, certified].join(
        '.',
      );
      const found = judge(forged);
      expect(found[0]).toBe('RECEIPT_CHANGED signature');
      // The log says in which field; the boot's own key is no way around it.
      const again = judge(encodeAnswerReceipt(lie, gateway.privateKey, gateway.certificate).text);
      for (const each of [found.slice(1), again])
        expect(each.join()).toMatch(/RECEIPT_(CONTRADICTED|NOT_OF_THIS|LOCK_OTHER|CHANGED)/);
    },
  );

  it('is none where it says something twice, though its instance has signed it', () => {
    const [version, payload = '', ...rest] = signed.text.split('.');
    const text = Buffer.from(payload, 'base64url').toString().replace('{', '{"fleet":"another",');
    const twice = [version, Buffer.from(text).toString('base64url'), ...rest].join('.');
    expect(() => readAnswerReceipt(signed.text)).not.toThrow();
    expect(() => readAnswerReceipt(twice)).toThrow(expect.objectContaining({ code: 'SIGNATURE_MALFORMED' }));
  });

  it('is named where it lies about model, lock, tier or reason', () => {
    const field = (name: string, to: unknown) =>
      judge(encodeAnswerReceipt(changed(['stages', 0, name], to), gateway.privateKey, gateway.certificate).text);
    expect(field('model', 'other')).toContain('RECEIPT_CONTRADICTED stages/llm/model');
    expect(field('lock', `sha256:${'e'.repeat(64)}`)).toContain('RECEIPT_LOCK_OTHER stages/llm/lock');
    expect(field('tier', 'premium')).toEqual(['RECEIPT_CONTRADICTED stages/llm/tier']);
    expect(field('because', 'a whim')).toEqual(['RECEIPT_CONTRADICTED stages/llm/because']);
    expect(field('artifacts', [`sha256:${'e'.repeat(64)}`])).toContain('RECEIPT_CONTRADICTED stages/llm/artifacts');
  });

  it('is named when another instance has signed it, or whoever is no instance of the fleet', async () => {
    const thief = await boot('gateway-2');
    expect(judge(encodeAnswerReceipt(RECEIPT, thief.privateKey, thief.certificate).text)).toContain('RECEIPT_CHANGED signature');
    const liar = await boot('gateway-1', 'gateway-2');
    expect(judge(encodeAnswerReceipt(RECEIPT, liar.privateKey, liar.certificate).text)).toContain(
      'RECEIPT_UNTRUSTED certificate',
    );
    const stranger = roleTrust((await createLocalDomain('fleet-1', NOW)).trust);
    expect(judge(signed.text, { trust: stranger })).toContain('RECEIPT_UNTRUSTED certificate');
  });
});

describe('entries of a log', () => {
  const facts = { certificate: Buffer.from(gateway.certificate).toString('utf8') };
  const base = { producer: 'gateway-1', boot: 'b0', service: 'gateway' };
  const key = signTrailEntry(
    JSON.stringify({ ...base, counter: 1, kind: 'key.certified', previous: null, facts }),
    gateway.privateKey,
  );
  const made = (more: object) => JSON.stringify({ ...base, counter: 2, kind: 'call.served', previous: null, facts: {}, ...more });
  const find = (...lines: readonly string[]) => {
    const signatures = new ProducerSignatures(trust);
    lines.forEach((line, index) => signatures.read(Buffer.from(line), index));
    return signatures.finish().map(({ code, where }) => `${code} ${where}`);
  };

  it('are their producers’ own', () => {
    expect(find(key, signTrailEntry(made({}), gateway.privateKey))).toEqual([]);
    expect(
      find(JSON.stringify({ ...base, producer: 'audit-log', service: 'audit', counter: 1, kind: 'trail.gap', facts: {} })),
    ).toEqual([]);
  });

  it('may be unsigned where they are commands’, which speak for the command line alone and for no boot that has a key', () => {
    const command = { producer: 'cli', boot: 'c0', service: 'cli', counter: 1, kind: 'key.changed' };
    expect(find(made(command))).toEqual([]);
    expect(find(key, made({ service: 'cli' }))).toEqual(['ENTRY_FORGED entry 1']);
    expect(find(made({ ...command, producer: 'tts-1' }))).toEqual(['ENTRY_FORGED entry 0']);
  });

  it('are named when nobody, or somebody else, has signed them, whoever holds the log’s key', async () => {
    const thief = await boot('gateway-2');
    expect(find(key, made({}))).toEqual(['ENTRY_FORGED entry 1']);
    expect(find(key, signTrailEntry(made({}), thief.privateKey))).toEqual(['ENTRY_FORGED entry 1']);
    expect(find(signTrailEntry(made({}), gateway.privateKey))).toEqual(['ENTRY_FORGED entry 0']);
    const stolen = made({
      producer: 'gateway-1',
      counter: 1,
      kind: 'key.certified',
      facts: { certificate: Buffer.from(thief.certificate).toString('utf8') },
    });
    expect(find(signTrailEntry(stolen, thief.privateKey))).toContain('ENTRY_FORGED entry 0');
  });
});
