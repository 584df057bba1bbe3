import type { Command } from 'commander';
import {
  type Digest,
  digestOf,
  readBounded,
  sha256Hex,
  type SignedLock,
  type TrustDocument,
  TrustError,
  verifyLock,
} from '@smartlite/trust';
import { describeWaiting, ensureDomain } from '../domain/local.ts';
import { type CertifiedSigner, type PlacedLock, signPack } from '../domain/signing.ts';
import { Problem } from '../problem.ts';
import { readPack } from '../readpack.ts';
import { parseScan, SCAN_BYTES_MAX } from '../scan/report.ts';
import { addToLock } from '../signing/add.ts';
import { certifiedSigner } from '../signing/certify.ts';
import { openDomainKeys } from '../signing/keyring.ts';
import { openSource } from '../signing/source.ts';
import { findPlace, type Place } from '../up/place.ts';
import { byteProgress } from '../verification/show.ts';

interface Options {
  readonly key: readonly string[];
  readonly pack?: string;
  readonly lock?: string;
  readonly root?: string;
  readonly scan?: string;
  readonly add?: boolean;
  readonly json?: boolean;
}

/** `smartlite sign`: exit 0 when the new lock is written, 1 when bytes or keys are refused, 2 for misuse or unreadable input. */
export function registerSign(program: Command): void {
  program
    .command('sign')
    .description('hash and sign every artifact, write the lock in one step')
    .option(
      '--key <source>',
      'PEM file, pkcs11:URI, awskms:ARN or vault:PATH; repeat it where several must sign (default: the domain’s own key)',
      (source: string, sources: readonly string[]) => [...sources, source],
      [],
    )
    .option('--add', 'sign the lock that waits for further keys, unchanged, after proving it and every byte')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--lock <file>', 'another lock than the project’s')
    .option('--root <folder>', 'folder that the artifacts’ paths are relative to')
    .option('--scan <file>', 'bind the digest of this report of smartlite scan into the lock')
    .option('--json', 'print one JSON object')
    .action(sign);
}

async function sign(options: Options): Promise<void> {
  const place = placeOf(options);
  const nowMs = Date.now();
  const { bytes } = await readPack(place.pack);
  const scan = options.scan === undefined ? undefined : await scanDigest(options.scan);
  const news: string[] = [];
  const trust = await ensureDomain(place, nowMs, news);
  for (const line of news) console.error(line);
  await using stack = new AsyncDisposableStack();
  const signers = await signersOf(options, place, trust, nowMs, stack);
  const progress = byteProgress();
  let signed: PlacedLock;
  try {
    const order = { nowMs, because: 'smartlite sign', signers, onProgress: progress.onProgress, scan };
    signed = await (options.add ? addToLock(place, trust, order) : signPack(place, trust, order));
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    throw new Problem(`Not signed. ${caught.code}: ${caught.message}`, 'The former lock was left as it was.', { cause: caught });
  } finally {
    progress.stop();
  }
  report(signed, options);
  // A lock that does not hold by itself is said now and not at the next start.
  if (signed.keys >= signed.due) proveAtOnce(signed, bytes, trust, nowMs);
}

async function signersOf(
  { key, add, scan }: Options,
  place: Place,
  trust: TrustDocument,
  nowMs: number,
  stack: AsyncDisposableStack,
): Promise<readonly CertifiedSigner[]> {
  if (add && (key.length === 0 || scan !== undefined))
    throw new Problem(
      '--add takes another holder’s key, and changes nothing that was signed.',
      'Name the key with --key; give --scan to the first holder.',
      {
        exitCode: 2,
      },
    );
  const signers: CertifiedSigner[] = [];
  for (const source of key) signers.push(await certifiedSigner(place, trust, stack.use(await openSource(source)), nowMs));
  if (signers.length === 0) signers.push(...stack.use(await openDomainKeys(place, trust, nowMs)).signers);
  const keyids = signers.map(({ signer }) => sha256Hex(signer.spki));
  if (new Set(keyids).size < keyids.length)
    throw new Problem('One key is named twice: one holder counts once.', 'Name each --key once.', { exitCode: 2 });
  return signers;
}

function proveAtOnce({ bytes: lock }: SignedLock, pack: Uint8Array, trust: TrustDocument, nowMs: number): void {
  try {
    verifyLock({ lock, pack, trust, nowMs });
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    throw new Problem(
      `The lock was signed, and does not hold. ${caught.code}: ${caught.message}`,
      'npx smartlite keys list shows which keys hold.',
      { cause: caught },
    );
  }
}

/** Only what is the report of a scan is bound; what it found is the signer's to judge. */
async function scanDigest(path: string): Promise<Digest> {
  const bytes = await readBounded(path, SCAN_BYTES_MAX).catch((cause: unknown) => {
    throw new Problem(`${path}: no report can be read there.`, 'npx smartlite scan --report FILE writes one.', {
      exitCode: 2,
      cause,
    });
  });
  parseScan(bytes, path);
  return digestOf(bytes);
}

function placeOf({ lock, root, ...options }: Options): Place {
  const place = findPlace(process.env, options);
  return { ...place, ...(lock !== undefined && { lock }), ...(root !== undefined && { models: root }) };
}

function report({ file, digest, path, keys, due }: PlacedLock, { json }: Options): void {
  const keyids = [...new Set(file.signatures.lock.map(({ keyid }) => keyid))];
  const facts = {
    lock: path,
    lockSequence: file.sequence,
    lockDigest: digest,
    expires: file.expires,
    artifacts: file.manifest.length,
  };
  if (json) return console.log(JSON.stringify({ ...facts, keys: keyids, keysDue: due, complete: keys >= due }));
  const by = keyids.map((key) => key.slice(0, 16)).join(' and ');
  console.log(`Signed: lock ${file.sequence}, ${file.manifest.length} artifacts, valid until ${file.expires}, by ${by}.`);
  console.log(keys < due ? describeWaiting({ path, keys, due }) : path);
}
