import { createHash } from 'node:crypto';

/** Algorithm and hash in one: `sha256:` and 64 lower-case hex digits. The only algorithm there is. */
export type Digest = `sha256:${string}`;

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function sha256Hex(bytes: Uint8Array): string {
  return sha256(bytes).toString('hex');
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${sha256Hex(bytes)}`;
}
