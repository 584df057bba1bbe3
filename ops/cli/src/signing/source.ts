import type { Signer } from '@smartlite/trust';
import { Problem } from '../problem.ts';

/** A signing key wherever it lies. Signs SHA-256 digests: r || s, low-S. Disposing of it ends its session. */
export interface KeySource extends Signer, AsyncDisposable {
  /** For people and the trail; holds no secret. */
  readonly name: string;
}

type Opener = (source: string) => Promise<KeySource>;

/** Loaded when asked for: most commands sign with a file. */
const SCHEMES: Readonly<Record<string, () => Promise<Opener>>> = {
  pkcs11: async () => (await import('./engines/pkcs11.ts')).openPkcs11,
  awskms: async () => (await import('./engines/awskms.ts')).openAwsKms,
  vault: async () => (await import('./engines/vault.ts')).openVault,
};

/** SOURCE: a PEM file, a `pkcs11:` URI (RFC 7512), `awskms:ARN` or `vault:PATH`. */
export async function openSource(source: string): Promise<KeySource> {
  const [, scheme = 'file'] = /^([a-z0-9]{2,}):/.exec(source) ?? [];
  if (scheme === 'file') return (await import('./engines/pem.ts')).openPem(source.replace(/^file:(\/\/)?/, ''));
  const load = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (load) return (await load())(source);
  throw new Problem(`--key ${scheme}: is no source of keys.`, 'Give a PEM file, pkcs11:URI, awskms:ARN or vault:PATH.', {
    exitCode: 2,
  });
}

/** Makes the key of a file or token where it is not there yet; leaves what is there. Clouds and vaults make their own. */
export async function makeSource(source: string): Promise<void> {
  if (source.startsWith('pkcs11:')) return (await import('./engines/pkcs11.ts')).makePkcs11Key(source);
  if (!/^(awskms|vault):/.test(source)) return (await import('./engines/pem.ts')).makePem(source);
}
