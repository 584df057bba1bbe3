import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalBytes, digestOf, mlBom, parseStrictJson } from '@smartlite/trust';
import type { Command } from 'commander';
import { readLockfile } from '../bill/lockfile.ts';
import { softwareBom } from '../bill/software.ts';
import { Problem } from '../problem.ts';
import { readPack } from '../readpack.ts';
import { readLock } from '../signing/lockfile.ts';
import { findPlace, type Place } from '../up/place.ts';

/** A bill of some thousand artifacts. */
const BILL_BYTES_MAX = 16 * 1024 * 1024;

interface Options {
  readonly pack?: string;
  readonly lock?: string;
  readonly check?: string;
  readonly software?: true | string;
}

/** `smartlite sbom`: the bill on stdout; exit 1 where the models' one is not what the lock names, 2 for unreadable input. */
export function registerSbom(program: Command): void {
  program
    .command('sbom')
    .description('CycloneDX 1.6 bill of materials of the models, as the lock names it by digest; or of the software')
    .option('--software [lockfile]', 'the software’s bill instead, from package-lock.json (default: the project’s)')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--lock <file>', 'another lock than the project’s')
    .option('--check <file>', 'judge a bill that lies in this file instead of printing one')
    .action(sbom);
}

async function sbom(options: Options): Promise<void> {
  const place = findPlace(process.env, options);
  if (options.software !== undefined) return printSoftware(place, options.software);
  const bill = options.check === undefined ? mlBom((await readPack(place.pack)).pack) : await readBill(options.check);
  if (options.check === undefined) console.log(JSON.stringify(bill, null, 2));
  const lock = await readLock(options.lock ?? place.lock);
  if (typeof lock === 'string') {
    if (options.check !== undefined)
      throw new Problem(`${place.lock}: no lock can be read there.`, 'npx smartlite sign makes one.', { exitCode: 2 });
    return;
  }
  const digest = digestOf(canonicalBytes(bill));
  if (digest !== lock.sbom.digest)
    throw new Problem(
      `The bill is ${digest}; lock ${lock.sequence} names ${lock.sbom.digest}.`,
      'Sign anew if the pack has changed: npx smartlite sign.',
    );
  if (options.check !== undefined)
    console.log(`The bill is the one that lock ${lock.sequence} names. Whether the lock holds: npx smartlite verify.`);
}

/** No lock names it: the lock is about what the fleet serves, and the software's own release is signed elsewhere. */
async function printSoftware({ root }: Place, lockfile: true | string): Promise<void> {
  const path = lockfile === true ? join(root, 'package-lock.json') : lockfile;
  console.log(JSON.stringify(softwareBom(await readLockfile(path)), null, 2));
}

async function readBill(path: string): Promise<unknown> {
  try {
    return parseStrictJson(await readFile(path), { file: path, bytesMax: BILL_BYTES_MAX });
  } catch (cause) {
    throw new Problem(`${path}: no bill can be read there (${(cause as Error).message}).`, 'npx smartlite sbom prints one.', {
      exitCode: 2,
      cause,
    });
  }
}
