import type { Command } from 'commander';
import { type Digest, digestOf, readBounded, type SignedLock, TrustError, verifyLock } from '@smartlite/trust';
import { ensureDomain } from '../domain/local.ts';
import { type CertifiedSigner, signPack } from '../domain/signing.ts';
import { Problem } from '../problem.ts';
import { readPack } from '../readpack.ts';
import { parseScan, SCAN_BYTES_MAX } from '../scan/report.ts';
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
  const signers: CertifiedSigner[] = [];
  for (const source of options.key) signers.push(await certifiedSigner(place, trust, stack.use(await openSource(source)), nowMs));
  if (signers.length === 0) signers.push(...stack.use(await openDomainKeys(place, trust, nowMs)).signers);
  const progress = byteProgress();
  let signed: SignedLock;
  try {
    signed = await signPack(place, trust, {
      nowMs,
      because: 'smartlite sign',
      signers,
      onProgress: progress.onProgress,
      scan,
    });
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    throw new Problem(`Not signed. ${caught.code}: ${caught.message}`, 'The former lock was left as it was.', { cause: caught });
  } finally {
    progress.stop();
  }
  report(signed, place, options);
  // A lock that does not hold by itself, for example for want of further signers, is said now and not at the next start.
  verifyLock({ lock: signed.bytes, pack: bytes, trust, nowMs });
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

function report({ file, digest, signatures }: SignedLock, { lock }: Place, { json }: Options): void {
  const keys = [...new Set(signatures.map(({ keyid }) => keyid))];
  if (json)
    console.log(
      JSON.stringify({
        lock,
        lockSequence: file.sequence,
        lockDigest: digest,
        expires: file.expires,
        artifacts: file.manifest.length,
        keys,
      }),
    );
  else
    console.log(
      `Signed: lock ${file.sequence}, ${file.manifest.length} artifacts, valid until ${file.expires}, by ${keys.map((key) => key.slice(0, 16)).join(' and ')}.\n${lock}`,
    );
}
