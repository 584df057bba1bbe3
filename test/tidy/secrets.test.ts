import { extname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFiles, read } from './sources.ts';

const KEY_FILES = /(-key\.pem|\.p12|\.pfx|\.nk|\.creds|\.env|(^|\/)api-key)$/;
/** A private key's armour with something inside, an API key of ours, a cloud's access key. */
const SECRETS = [
  /-----BEGIN (EC |RSA |ENCRYPTED |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40,}-----END/,
  /\bslk_[A-Za-z0-9_-]{43}\b/,
  /\bAKIA[0-9A-Z]{16}\b/,
];
const BINARY = new Set(['.wav', '.gguf', '.onnx', '.wasm', '.png', '.ico', '.bin', '.flac', '.mp3', '.ogg', '.gz', '.tgz']);
/** Keys that are published to be tested with. */
const PUBLISHED = /^test\/vectors\//;

const files = listFiles();

describe('what git keeps', () => {
  it('has no file that is a private key by its name', () => {
    expect(files.filter((path) => KEY_FILES.test(path))).toEqual([]);
  });

  it('has no secret in any text', () => {
    const texts = files.filter((path) => !BINARY.has(extname(path)) && !PUBLISHED.test(path)).map(read);
    expect(texts.filter(({ text }) => SECRETS.some((secret) => secret.test(text))).map(({ path }) => path)).toEqual([]);
  });
});
