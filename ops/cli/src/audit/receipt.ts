import type { AuditEntry } from '@smartlite/contracts';
import {
  type AnswerReceipt,
  type AnswerStage,
  openAnswerReceipt,
  openBootKey,
  type ProvenLock,
  RECEIPT_DUE_MS,
  type RoleTrust,
  type SaltedPart,
  saltedHash,
  TrustError,
  type UnprovenReceipt,
  verifyTrailEntry,
} from '@smartlite/trust';

/** Why a receipt is not to be relied on, and in which of its fields. */
export interface ReceiptFinding {
  readonly code:
    | 'RECEIPT_UNTRUSTED'
    | 'RECEIPT_CHANGED'
    | 'RECEIPT_CONTRADICTED'
    | 'RECEIPT_BROKEN'
    | 'RECEIPT_LOCK_OTHER'
    | 'RECEIPT_NOT_OF_THIS';
  readonly where: string;
  readonly message: string;
}

/** What a receipt is held against. */
export interface ReceiptGround {
  readonly trust: RoleTrust;
  /** The boot's certificate out of the log, for a receipt that carries none. */
  readonly certificate: Uint8Array | undefined;
  /** The entry that the receipt names, proven to be in the log; undefined where it is not there. */
  readonly entry: { readonly said: AuditEntry; readonly bytes: Uint8Array } | undefined;
  readonly lock: Pick<ProvenLock, 'digest' | 'lock' | 'pack'> | undefined;
  readonly nowUnixMs: number;
  /** What the caller has of the request and the answer, and the salt that came with the receipt. */
  readonly own: { readonly salt: string; readonly request: OwnParts; readonly output: OwnParts } | undefined;
}
export type OwnParts = Readonly<Partial<Record<SaltedPart, Uint8Array | string>>>;

/** Every way in which a receipt is false or not kept. Pure: all that it is held against is given. */
export function judgeReceipt(unproven: UnprovenReceipt, ground: ReceiptGround): readonly ReceiptFinding[] {
  return [
    ...judgeSignature(unproven, ground),
    ...judgeEntry(unproven, ground),
    ...(ground.lock ? unproven.receipt.stages.flatMap((stage) => judgeStage(stage, ground.lock as ProvenLock)) : []),
    ...(ground.own ? judgeOwn(unproven.receipt, ground.own) : []),
  ];
}

function judgeSignature(unproven: UnprovenReceipt, { trust, certificate, entry }: ReceiptGround): ReceiptFinding[] {
  const bytes = unproven.certificate ?? certificate;
  if (!bytes) return [found('RECEIPT_UNTRUSTED', 'boot', 'neither the receipt nor the log holds the certificate of its key')];
  try {
    const key = openBootKey(bytes, trust);
    try {
      openAnswerReceipt(unproven, key);
      if (entry) verifyTrailEntry(entry.bytes, key.publicKey);
      return [];
    } catch (caught) {
      return [found('RECEIPT_CHANGED', 'signature', messageOf(caught))];
    }
  } catch (caught) {
    return [found('RECEIPT_UNTRUSTED', 'certificate', messageOf(caught))];
  }
}

function judgeEntry({ receipt, digest }: UnprovenReceipt, { entry, nowUnixMs, trust }: ReceiptGround): ReceiptFinding[] {
  const fleet = receipt.fleet === trust.fleet ? [] : [contradicted('fleet', receipt.fleet, trust.fleet)];
  if (!entry) {
    const late = nowUnixMs > receipt.dueUnixMs;
    const message = `the log does not hold ${receipt.entry}, which was promised by ${new Date(receipt.dueUnixMs).toISOString()}`;
    return late ? [...fleet, found('RECEIPT_BROKEN', 'entry', message)] : fleet;
  }
  const { said } = entry;
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['instance', receipt.instance, said.producer],
    ['service', receipt.service, said.service],
    ['boot', receipt.boot, said.boot],
    ['entry', receipt.entry, said.id],
    ['traceId', receipt.traceId, said.traceId],
    ['atUnixMs', receipt.atUnixMs, said.atUnixMs],
    ['dueUnixMs', receipt.dueUnixMs, said.atUnixMs + RECEIPT_DUE_MS],
    ...partsOf(receipt, said),
    ...stagesOf(receipt, said),
  ];
  const differing = pairs.flatMap(([where, has, due]) => (same(has, due) ? [] : [contradicted(where, has, due)]));
  // Fields that the entry does not repeat are bound by the digest of the whole.
  const whole = said.facts['receipt'] === digest ? [] : [contradicted('receipt', digest, said.facts['receipt'])];
  return [...fleet, ...differing, ...(differing.length > 0 ? [] : whole)];
}

type Pair = readonly [string, unknown, unknown];

function partsOf(receipt: AnswerReceipt, { facts }: AuditEntry): Pair[] {
  return (['request', 'output'] as const).flatMap((of) => {
    const logged = Object.keys(facts).flatMap((name) => (name.startsWith(`${of}_`) ? name.slice(of.length + 1) : []));
    const names = new Set([...Object.keys(receipt[of]), ...logged]);
    return [...names].map((part): Pair => [`${of}/${part}`, receipt[of][part], facts[`${of}_${part}`]]);
  });
}

const STAGES = ['asr', 'llm', 'tts'] as const;
const STAGE_FIELDS = ['model', 'tier', 'role', 'because', 'artifacts', 'lock', 'order'] as const;

function stagesOf({ stages }: AnswerReceipt, { facts }: AuditEntry): Pair[] {
  const names = new Set([...STAGES.filter((name) => facts[`${name}_model`] !== undefined), ...stages.map(({ stage }) => stage)]);
  const counted: Pair = ['stages', stages.length, names.size];
  const fields = [...names].flatMap((name) => {
    const stage = stages.find((each) => each.stage === name);
    return STAGE_FIELDS.map((field): Pair => [`stages/${name}/${field}`, stage?.[field], facts[`${name}_${field}`]]);
  });
  return [counted, ...fields];
}

/** Model, artifacts and lock against the lock at hand. */
function judgeStage(
  { stage, model, artifacts, lock }: AnswerStage,
  proven: NonNullable<ReceiptGround['lock']>,
): ReceiptFinding[] {
  const where = `stages/${stage}`;
  if (lock !== proven.digest) {
    const message = `it was answered under the lock ${lock}; the one at hand is ${proven.digest}: name the other with --lock and --pack`;
    return [found('RECEIPT_LOCK_OTHER', `${where}/lock`, message)];
  }
  const ids = proven.pack.models.find(({ id }) => id === model)?.artifacts;
  if (!ids) return [found('RECEIPT_CONTRADICTED', `${where}/model`, `the lock's pack has no model ${model}`)];
  const due = proven.lock.manifest.flatMap(({ id, sha256 }) => (ids.includes(id) ? `sha256:${sha256}` : []));
  return same(artifacts.toSorted(), due.toSorted()) ? [] : [contradicted(`${where}/artifacts`, artifacts, due)];
}

function judgeOwn({ request, output }: AnswerReceipt, { salt, request: asked, output: got }: NonNullable<ReceiptGround['own']>) {
  const judge = (of: 'request' | 'output', digests: Readonly<Record<string, string>>, own: OwnParts) =>
    Object.entries(own).flatMap(([part, bytes]) => {
      const hash = saltedHash(salt, part as SaltedPart);
      hash.update(bytes);
      if (digests[part] === hash.hex()) return [];
      return [found('RECEIPT_NOT_OF_THIS', `${of}/${part}`, `the receipt is not of this ${part}, or not with this salt`)];
    });
  return [...judge('request', request, asked), ...judge('output', output, got)];
}

function contradicted(where: string, has: unknown, due: unknown): ReceiptFinding {
  return found(
    'RECEIPT_CONTRADICTED',
    where,
    `${where}: the receipt says ${JSON.stringify(has)}, the log or lock ${JSON.stringify(due)}`,
  );
}

function found(code: ReceiptFinding['code'], where: string, message: string): ReceiptFinding {
  return { code, where, message };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function messageOf(caught: unknown): string {
  if (caught instanceof TrustError) return caught.message;
  throw caught;
}
