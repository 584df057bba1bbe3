import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ModelFiles } from '@smartlite/chassis';
import { baseSettings, modelFiles, systemClock } from '@smartlite/chassis/parts';
import type { ServiceName } from '@smartlite/contracts';
import {
  type Authority,
  createIdentity,
  createLocalDomain,
  type Digest,
  type LocalDomain,
  pemSigner,
  type Policy,
  readPrivateKey,
  type RoleIdentity,
  roleIdentity,
  type SignedLock,
  signLock,
} from '@smartlite/trust';
import { DEFAULT_MODELS, scriptBytes, type ScriptedModel, scriptedPack } from './pack.ts';

export interface TestDomainOptions {
  readonly fleet?: string;
  /** Scripted models; DEFAULT_MODELS unless told. The order within a service is primary, second, then for asr the voice detector. */
  readonly models?: readonly ScriptedModel[];
  readonly policy?: Policy;
}

/** A local trust domain with small scripted artifacts and a signed lock, all in a folder of its own. */
export interface TestDomain extends Disposable {
  /** Stands for `.smartlite`. */
  readonly home: string;
  readonly files: {
    readonly pack: string;
    readonly lock: string;
    readonly trust: string;
    readonly models: string;
    readonly holds: string;
  };
  readonly keys: LocalDomain;
  readonly lockDigest: () => Digest;
  readonly lockSequence: () => number;
  /** Path of a model's script on the disk. */
  artifact(modelId: string): string;
  /** Lets scripts that hold at this name go on. */
  release(hold: string): void;
  /** Signs what is on the disk anew, with the next sequence. */
  sign(): Promise<SignedLock>;
  /** A new key of this role, certified by the domain, in a folder as SMARTLITE_IDENTITY wants it. */
  identity(role: RoleIdentity['role'], subject: string): Promise<RoleIdentity & { readonly folder: string }>;
  /** Variables for a process of a service; its identity is made. */
  environment(service: ServiceName, instance: string): Promise<Record<string, string>>;
  modelFiles(): Promise<ModelFiles>;
}

/** Makes a domain; dispose of it with `using`. */
export async function testDomain({
  fleet = 'test-fleet',
  models = DEFAULT_MODELS,
  policy,
}: TestDomainOptions = {}): Promise<TestDomain> {
  const home = mkdtempSync(join(tmpdir(), 'smartlite-domain-'));
  const files = {
    pack: join(home, 'MODEL_PACK.json'),
    lock: join(home, 'MODEL_LOCK.json'),
    trust: join(home, 'trust.json'),
    models: join(home, 'models'),
    holds: join(home, 'holds'),
  };
  const keys = await createLocalDomain(fleet, systemClock.nowMs());
  mkdirSync(files.holds);
  for (const model of models) write(join(files.models, model.id, 'script.json'), scriptBytes(model));
  const pack = Buffer.from(JSON.stringify(scriptedPack(models, files.holds), null, 2));
  write(files.pack, pack);
  write(files.trust, JSON.stringify(keys.trust));

  let signed: SignedLock | undefined;
  const sign = async () => {
    signed = await signLock({
      pack: readFileSync(files.pack),
      root: files.models,
      fleet,
      generation: 1,
      sequence: (signed?.file.sequence ?? 0) + 1,
      previous: signed?.digest ?? null,
      nowMs: systemClock.nowMs(),
      signers: [{ signer: pemSigner(keys.signing.key), chain: keys.signing.chain }],
      ...(policy && { policy }),
    });
    write(files.lock, signed.bytes);
    return signed;
  };
  let current = await sign();
  const identity = (role: RoleIdentity['role'], subject: string) => makeIdentity(home, keys, role, subject);
  return {
    home,
    files,
    keys,
    identity,
    lockDigest: () => current.digest,
    lockSequence: () => current.file.sequence,
    artifact: (modelId) => join(files.models, modelId, 'script.json'),
    release: (hold) => write(join(files.holds, hold), ''),
    sign: async () => (current = await sign()),
    async environment(service, instance) {
      const { folder } = await identity(service === 'verifier' ? 'lock-status' : 'instance', instance);
      return {
        SMARTLITE_HOME: home,
        SMARTLITE_PACK: files.pack,
        SMARTLITE_LOCK: files.lock,
        SMARTLITE_TRUST: files.trust,
        SMARTLITE_MODELS: files.models,
        SMARTLITE_IDENTITY: folder,
        SMARTLITE_INSTANCE: instance,
        SMARTLITE_STATUS_LEASE_MS: '30000',
        // Most tests run no audit service.
        SMARTLITE_AUDIT_GRACE_MS: '0',
      };
    },
    modelFiles: async () =>
      modelFiles(
        baseSettings({
          SMARTLITE_NATS_URL: 'none',
          SMARTLITE_IDENTITY: home,
          SMARTLITE_HOME: home,
          SMARTLITE_PACK: files.pack,
          SMARTLITE_LOCK: files.lock,
          SMARTLITE_TRUST: files.trust,
          SMARTLITE_MODELS: files.models,
        }),
        systemClock,
      ),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

async function makeIdentity(home: string, { intermediate, trust }: LocalDomain, role: RoleIdentity['role'], subject: string) {
  if (role === 'model-signing') throw new Error('no process holds the signing key');
  const folder = join(home, 'run', 'identity', subject);
  const [certificate = ''] = intermediate.chain;
  const issuer: Authority = { key: readPrivateKey(intermediate.key), certificate };
  const { key, chain } = await createIdentity(issuer, { role, fleet: trust.fleet, subject }, systemClock.nowMs());
  write(join(folder, 'key.pem'), key);
  write(join(folder, 'certificate.pem'), chain.join('\n'));
  return { ...roleIdentity(role, key, chain.join('\n')), folder };
}

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, content, { mode: 0o600 });
}
