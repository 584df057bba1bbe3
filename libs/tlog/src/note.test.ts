import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from './checkpoint.ts';
import { memoryLog, someEntries } from './memorylog.fixture.ts';
import { encodeVerifierKey, noteKey, openNote, parseVerifierKey, signNote } from './note.ts';
import { encodeProof, verifyProof } from './prooffile.ts';
import { nodesOf } from './store.ts';
import { proveInclusion } from './tree.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = noteKey('example.com/log', publicKey);
const other = generateKeyPairSync('ed25519');
const refused = (code: string) => expect.objectContaining({ name: 'LogFault', code }) as Error;

// From the tests of Go's golang.org/x/mod/sumdb/note: a verifier key, and a note that its private key has signed.
const GO_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_SEED = 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const GO_TEXT = 'If you think cryptography is the answer to your problem,\nthen you don’t know what your problem is.\n'.replace(
  '’',
  "'",
);
const GO_NOTE = `${GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

describe('a signed note', () => {
  it('is the one that another implementation makes, byte for byte', () => {
    const seed = Buffer.from(GO_SEED, 'base64').subarray(1);
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const made = signNote(GO_TEXT, parseVerifierKey(GO_KEY), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    expect(made).toBe(GO_NOTE);
    expect(openNote(GO_NOTE, parseVerifierKey(GO_KEY))).toBe(GO_TEXT);
  });

  it('is refused when a byte of its text or signature was changed', () => {
    const note = signNote('text\n', key, privateKey);
    expect(openNote(note, key)).toBe('text\n');
    expect(() => openNote(note.replace('text', 'Text'), key)).toThrowError(refused('SIGNATURE_INVALID'));
    const at = note.length - 10;
    const changed = `${note.slice(0, at)}${note[at] === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`;
    expect(() => openNote(changed, key)).toThrowError(refused('SIGNATURE_INVALID'));
  });

  it('is refused in a spelling of its signature that differs in unused bits alone', () => {
    const respelled = GO_NOTE.replace('wJnAM=', 'wJnAN=');
    expect(respelled).not.toBe(GO_NOTE);
    expect(() => openNote(respelled, parseVerifierKey(GO_KEY))).toThrowError(refused('NOTE_MALFORMED'));
  });

  it('may carry signatures by others, which say nothing', () => {
    const stranger = noteKey('example.com/witness', other.publicKey);
    const note = `${signNote('text\n', key, privateKey)}${signNote('text\n', stranger, other.privateKey).split('\n\n')[1] ?? ''}`;
    expect(openNote(note, key)).toBe('text\n');
    expect(() => openNote(signNote('text\n', stranger, other.privateKey), key)).toThrowError(refused('SIGNATURE_MISSING'));
  });

  it.each(['', 'text', 'text\n\n', 'text\n\nno signature\n', 'text\n\n— name AAAA', 'te\u0007xt\n\n— name AAAAAAA=\n'])(
    'is refused when it is none: %j',
    (text) => expect(() => openNote(text, key)).toThrowError(refused('NOTE_MALFORMED')),
  );
});

describe('a verifier key', () => {
  it('is read as it was written', () => {
    expect(encodeVerifierKey(parseVerifierKey(encodeVerifierKey(key)))).toBe(encodeVerifierKey(key));
    expect(encodeVerifierKey(parseVerifierKey(GO_KEY))).toBe(GO_KEY);
  });

  it.each(['', 'name', GO_KEY.replace('c74f', 'c74e'), GO_KEY.slice(0, -4), 'a b+c74f20a3+AAAA'])('is refused: %j', (text) =>
    expect(() => parseVerifierKey(text, 'log.vkey')).toThrowError(refused('KEY_MALFORMED')),
  );

  it('has no name that a note could not carry', () => {
    expect(() => noteKey('two words', publicKey)).toThrowError(refused('KEY_MALFORMED'));
    expect(() => noteKey('a+b', publicKey)).toThrowError(refused('KEY_MALFORMED'));
  });
});

describe('a checkpoint', () => {
  const root = Buffer.alloc(32, 7);

  it('says origin, size and root in three lines, and is read from them', () => {
    const { note } = signCheckpoint({ size: 20_852_163, root }, key, privateKey);
    expect(note.split('\n').slice(0, 3)).toEqual(['example.com/log', '20852163', root.toString('base64')]);
    expect(openCheckpoint(note, key)).toEqual({ origin: 'example.com/log', size: 20_852_163, root, note });
  });

  it.each([
    ['another log', `example.com/other\n1\n${root.toString('base64')}\n`, 'ORIGIN_MISMATCH'],
    ['a size with a leading zero', `example.com/log\n01\n${root.toString('base64')}\n`, 'CHECKPOINT_MALFORMED'],
    ['a size above 2^53', `example.com/log\n9007199254740993\n${root.toString('base64')}\n`, 'CHECKPOINT_MALFORMED'],
    ['a short root', 'example.com/log\n1\nAAAA\n', 'CHECKPOINT_MALFORMED'],
    ['two lines', 'example.com/log\n1\n', 'CHECKPOINT_MALFORMED'],
  ])('of %s is refused, though it is signed', (_what, text, code) => {
    expect(() => openCheckpoint(signNote(text, key, privateKey), key)).toThrowError(refused(code));
  });
});

describe('a proof file', () => {
  const entries = someEntries(300);
  const log = memoryLog(entries);
  const made = async (index: number) =>
    encodeProof({
      entry: entries[index] as Uint8Array,
      index,
      path: await proveInclusion(index, 300, nodesOf(log.reader, 300)),
      checkpoint: log.sign(300).note,
    });

  it('proves its entry with the log’s public key alone', async () => {
    const proven = verifyProof(await made(258), log.key);
    expect(Buffer.from(proven.entry).toString()).toBe('entry 258');
    expect(proven).toMatchObject({ index: 258, checkpoint: { size: 300 } });
  });

  it('proves nothing for another entry, another index, or under another key', async () => {
    const text = await made(258);
    const forged = text.replace(/^extra .*$/m, `extra ${Buffer.from('entry 259').toString('base64')}`);
    expect(() => verifyProof(forged, log.key)).toThrowError(refused('PROOF_INVALID'));
    expect(() => verifyProof(text.replace('index 258', 'index 259'), log.key)).toThrowError(refused('PROOF_INVALID'));
    expect(() => verifyProof(text.replace('index 258', 'index 300'), log.key)).toThrowError(refused('PROOF_INVALID'));
    expect(() => verifyProof(text, key)).toThrowError(refused('SIGNATURE_MISSING'));
  });

  it('is refused by name when any one byte of it is changed, or it is cut', async () => {
    const text = await made(3);
    expect(() => verifyProof(text, log.key)).not.toThrow();
    for (let at = 0; at < text.length; at += 1) {
      const changed = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
      expect(() => verifyProof(changed, log.key), `byte ${at}`).toThrowError(expect.objectContaining({ name: 'LogFault' }));
      expect(() => verifyProof(text.slice(0, at), log.key), `cut at ${at}`).toThrowError(
        expect.objectContaining({ name: 'LogFault' }),
      );
    }
  });
});
