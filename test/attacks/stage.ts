import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  createLocalDomain,
  type Lock,
  lockDigest,
  type LockFile,
  type LocalDomain,
  pemSigner,
  type SignedLock,
  signLock,
  type TrustDocument,
  writeMark,
} from '@smartlite/trust';
import { encodeSignature } from '../../libs/trust/src/signature.ts';
import { lockPayload, LOCK_PAYLOAD_TYPE, signedPart } from '../../libs/trust/src/lock.ts';
import { sha256, sha256Hex } from '../../libs/trust/src/digest.ts';
import { pae } from '../../libs/trust/src/pae.ts';
import { artifactOf, packOf } from '../../ops/cli/src/up/fixtures/pack.ts';
import { type Verification, verifyAll } from '../../ops/cli/src/verification/verify.ts';

export const NOW = Date.UTC(2030, 0, 1);
export const FLEET = 'voice-team';

/** What an attack may change: files, the lock, what the host trusts, its clock. */
export interface Stage extends Disposable {
  readonly home: string;
  readonly domain: LocalDomain;
  /** Of an artifact, inside the models' folder. */
  file(path: string): string;
  readonly models: string;
  lock: Uint8Array;
  pack: Uint8Array;
  trust: TrustDocument;
  nowMs: number;
  readonly mark: string;
  /** What the command is started by: empty, or a program that takes rights from it. */
  launcher: readonly string[];
  /** What `smartlite verify` finds in the stage as it is now, without starting it. */
  verify(): Promise<Verification>;
  /** Starts `smartlite verify` itself, as a user would. */
  launch(...args: readonly string[]): Launched;
  /** Changes the lock's JSON and nothing else: no key is used. */
  edit(change: (lock: LockFile) => unknown): void;
  /** Changes the signed part and signs it with the right key: what only its holder can do. */
  forge(change: (lock: Lock) => Partial<Lock>): Promise<void>;
  sign(input?: Partial<Parameters<typeof signLock>[0]>): Promise<SignedLock>;
}

/** A command that runs. It ends by itself, or is ended and the test fails by name. */
export interface Launched {
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

/** How a run of the command ended. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'ops', 'cli', 'src', 'main.ts');
/** Where the `smartlite` command keeps its compiled code, too. */
const COMPILED = join(ROOT, '.smartlite', 'cache');
/** No attack may keep the command longer. The largest take a second; a start on a machine with no core to spare, half a minute. */
const HUNG_MS = 240_000;
/** A lock of 10,000 faults prints as many findings. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const FILES: Readonly<Record<string, Buffer>> = {
  'alpha/data.bin': Buffer.from('the weights of alpha, as they were signed\n'.repeat(100)),
  'beta/data.bin': Buffer.from('the weights of beta, as they were signed.\n'.repeat(100)),
};

/** A domain, two artifacts and their signed lock, in a folder of their own. */
export async function stage(): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'smartlite-attack-'));
  const models = join(home, 'models');
  for (const [path, bytes] of Object.entries(FILES)) {
    mkdirSync(dirname(join(models, path)), { recursive: true });
    writeFileSync(join(models, path), bytes);
  }
  const domain = await createLocalDomain(FLEET, NOW, 'production');
  const pack = packOf(Object.entries(FILES).map(([path, bytes]) => artifactOf(dirname(path), bytes, { kind: 'file', path })));
  const made: Omit<Stage, 'lock'> & { lock?: Uint8Array } = {
    home,
    domain,
    models,
    pack,
    trust: domain.trust,
    nowMs: NOW + 60_000,
    mark: join(home, 'mark.json'),
    launcher: [],
    file: (path) => join(models, path),
    verify() {
      const { lock = Buffer.of(), pack: packNow, trust, nowMs, mark } = this;
      const watching = { signal: new AbortController().signal, onProgress: () => {}, both: false };
      return verifyAll({ lock, pack: packNow, trust, nowMs, mark, root: models, raisesMark: true }, watching);
    },
    launch(...args) {
      writeFileSync(join(home, 'MODEL_LOCK.json'), this.lock ?? '');
      writeFileSync(join(home, 'pack.json'), this.pack);
      writeFileSync(join(home, 'trust.json'), JSON.stringify(this.trust));
      const now = ['--now', new Date(this.nowMs).toISOString()];
      return start([...this.launcher, process.execPath, PROGRAM, 'verify', ...now, ...args], home);
    },
    edit(change) {
      const file = JSON.parse(Buffer.from(this.lock ?? Buffer.of()).toString()) as LockFile;
      this.lock = Buffer.from(JSON.stringify(change(file) ?? file));
    },
    async forge(change) {
      const file = JSON.parse(Buffer.from(this.lock ?? Buffer.of()).toString()) as LockFile;
      const lock = signedPart(file);
      // The next in order, so that nothing but the change is at fault.
      const next = { ...lock, sequence: lock.sequence + 1, previous: lockDigest(lock), ...change(lock) };
      this.lock = Buffer.from(
        JSON.stringify({
          ...file,
          ...next,
          signatures: { ...file.signatures, lock: [await signature(next, domain.signing.key)] },
        }),
      );
    },
    async sign(input = {}) {
      const signed = await signLock({
        pack: this.pack,
        root: models,
        fleet: FLEET,
        generation: 1,
        ...(this.lock ? after(this.lock) : { sequence: 1, previous: null }),
        nowMs: NOW,
        signers: [{ signer: pemSigner(domain.signing.key), chain: domain.signing.chain }],
        ...input,
      });
      this.lock = signed.bytes;
      return signed;
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
  await made.sign();
  return made as Stage;
}

function start([program = '', ...args]: readonly string[], home: string): Launched {
  const { SMARTLITE_NATS_URL: _nats, ...inherited } = process.env;
  const env = { ...inherited, SMARTLITE_HOME: home, SMARTLITE_PACK: join(home, 'pack.json'), NODE_COMPILE_CACHE: COMPILED };
  let pid = 0;
  const ended = new Promise<Ended>((resolve, reject) => {
    const child = execFile(program, args, { env, timeout: HUNG_MS, maxBuffer: OUTPUT_BYTES_MAX }, (failure, stdout, stderr) => {
      const status = failure === null ? 0 : failure.code;
      if (typeof status === 'number') resolve({ status, stdout, stderr });
      else reject(new Error(`${args.join(' ')} was ended, or could not be started: ${failure?.message}`));
    });
    pid = child.pid ?? 0;
  });
  return { pid, ended };
}

/** The place of the next lock. */
function after(lock: Uint8Array) {
  const part = signedPart(JSON.parse(Buffer.from(lock).toString()) as LockFile);
  return { sequence: part.sequence + 1, previous: lockDigest(part) };
}

/** The lock's own signature by this key, whatever the lock says. */
export async function signature(lock: Lock, key: string): Promise<LockFile['signatures']['lock'][number]> {
  const signer = pemSigner(key);
  return {
    keyid: sha256Hex(signer.spki),
    sig: encodeSignature(await signer.sign(sha256(pae(LOCK_PAYLOAD_TYPE, lockPayload(lock))))),
  };
}

/** As the host remembers it after a lock of that sequence was verified in full. */
export async function remember({ mark }: Stage, { digest, file }: SignedLock): Promise<void> {
  const { generation, sequence, issued } = file;
  await writeMark(mark, { format: 'smartlite-mark/1', generation, sequence, digest, issuedUnixMs: Date.parse(issued) });
}

export function bytesOf(path: string): Buffer {
  return readFileSync(path);
}
