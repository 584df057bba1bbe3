import { readFile } from 'node:fs/promises';
import { normaliseLowS } from '@smartlite/trust';
import type * as Pkcs11 from 'pkcs11js';
import { Problem } from '../../problem.ts';
import type { KeySource } from '../source.ts';
import { parsePkcs11Uri, type Pkcs11Uri } from './pkcs11uri.ts';

/** SubjectPublicKeyInfo of secp256k1 before the point. */
const SPKI_PREFIX = Buffer.from('3056301006072a8648ce3d020106052b8104000a034200', 'hex');
/** DER OCTET STRING of 65 bytes, as CKA_EC_POINT holds it. */
const POINT_HEADER = Buffer.from('0441', 'hex');
const SIGNATURE_BYTES = 64;
/** DER of the curve's object identifier. */
const SECP256K1 = Buffer.from('06052b8104000a', 'hex');
/** Where it could not be built npm has left it out, so that rebuilding it would find nothing. */
const INSTALL =
  'It is optional and needs a compiler. Run in the checkout: apt-get install -y g++ make python3 && npm install --no-save';

/**
 * A secp256k1 key in a token, which never leaves it. CKM_ECDSA over the digest gives r || s with S in the upper half every other time:
 * made low-S here.
 */
export async function openPkcs11(source: string): Promise<KeySource> {
  const session = await openSession(source, { writes: false });
  const { uri, api, token, handle } = session;
  try {
    const spki = publicKey(session);
    const key = findKey(session, [{ type: api.CKA_CLASS, value: api.CKO_PRIVATE_KEY }, ...naming(api, uri)], 'private key');
    return {
      name: uri.name,
      spki,
      async sign(digest) {
        token.C_SignInit(handle, { mechanism: api.CKM_ECDSA }, key);
        return normaliseLowS(token.C_Sign(handle, Buffer.from(digest), Buffer.alloc(SIGNATURE_BYTES)));
      },
      [Symbol.asyncDispose]: async () => session.close(),
    };
  } catch (caught) {
    session.close();
    throw explained(caught, uri);
  }
}

/** Makes a key pair in the token unless there is one of that name. The private half can neither be read nor leave it. */
export async function makePkcs11Key(source: string): Promise<void> {
  const session = await openSession(source, { writes: true });
  const { uri, api, token, handle } = session;
  try {
    if (exists(session)) return;
    const known = [{ type: api.CKA_TOKEN, value: true }, ...naming(api, uri)];
    token.C_GenerateKeyPair(
      handle,
      { mechanism: api.CKM_EC_KEY_PAIR_GEN },
      [...known, { type: api.CKA_EC_PARAMS, value: SECP256K1 }, { type: api.CKA_VERIFY, value: true }],
      [
        ...known,
        { type: api.CKA_SIGN, value: true },
        { type: api.CKA_PRIVATE, value: true },
        { type: api.CKA_SENSITIVE, value: true },
        { type: api.CKA_EXTRACTABLE, value: false },
      ],
    );
  } catch (caught) {
    throw explained(caught, uri);
  } finally {
    session.close();
  }
}

interface Session {
  readonly uri: Pkcs11Uri;
  readonly api: Api;
  readonly token: Pkcs11.PKCS11;
  readonly handle: Pkcs11.Handle;
  close(): void;
}

async function openSession(source: string, { writes }: { readonly writes: boolean }): Promise<Session> {
  const uri = parsePkcs11Uri(source);
  const { PKCS11, ...api } = await library();
  const pin = await pinOf(uri);
  const token = new PKCS11();
  let handle: Pkcs11.Handle | undefined;
  // One module serves a process once at a time: it is given back in any case.
  const close = () => {
    if (handle !== undefined) token.C_CloseSession(handle);
    token.C_Finalize();
    token.close();
  };
  try {
    token.load(uri.modulePath);
    token.C_Initialize();
  } catch (caught) {
    throw explained(caught, uri);
  }
  try {
    handle = token.C_OpenSession(slotOf(token, uri), api.CKF_SERIAL_SESSION | (writes ? api.CKF_RW_SESSION : 0));
    token.C_Login(handle, api.CKU_USER, pin);
    return { uri, api, token, handle, close };
  } catch (caught) {
    close();
    throw explained(caught, uri);
  }
}

function explained(caught: unknown, { name }: Pkcs11Uri): unknown {
  if (caught instanceof Problem) return caught;
  return new Problem(`${name}: ${(caught as Error).message}.`, 'Check module-path, token, object and PIN.', { cause: caught });
}

type Api = Omit<typeof Pkcs11, 'PKCS11'>;

async function library(): Promise<typeof Pkcs11> {
  try {
    const { default: library } = (await import('pkcs11js')) as unknown as { readonly default: typeof Pkcs11 };
    return library;
  } catch (cause) {
    throw new Problem('The package pkcs11js, which speaks to tokens, is not installed.', INSTALL, { exitCode: 2, cause });
  }
}

function slotOf(token: Pkcs11.PKCS11, uri: Pkcs11Uri): Pkcs11.Handle {
  const slots = token.C_GetSlotList(true);
  const slot = slots.find((each) => uri.token === undefined || token.C_GetTokenInfo(each).label.trim() === uri.token);
  if (slot !== undefined) return slot;
  throw new Problem(
    `${uri.name}: there is no such token.`,
    'List tokens: pkcs11-tool --list-slots, or softhsm2-util --show-slots.',
  );
}

function naming(api: Api, { object, id }: Pkcs11Uri): Pkcs11.Template {
  return [
    ...(object === undefined ? [] : [{ type: api.CKA_LABEL, value: object }]),
    ...(id === undefined ? [] : [{ type: api.CKA_ID, value: id }]),
  ];
}

function find({ token, handle }: Session, template: Pkcs11.Template): readonly Pkcs11.Handle[] {
  token.C_FindObjectsInit(handle, template);
  const found = [token.C_FindObjects(handle), token.C_FindObjects(handle)];
  token.C_FindObjectsFinal(handle);
  return found.filter((each) => each !== null && each !== undefined);
}

function findKey(session: Session, template: Pkcs11.Template, what: string): Pkcs11.Handle {
  const [key, second] = find(session, template);
  if (!key)
    throw new Problem(
      `${session.uri.name}: the token holds no such ${what}.`,
      'Name it with object= or id=, or make it: npx smartlite keys new --key.',
    );
  if (second) throw new Problem(`${session.uri.name}: more than one ${what} is of that name.`, 'Name one with object= and id=.');
  return key;
}

function exists(session: Session): boolean {
  return (
    find(session, [{ type: session.api.CKA_CLASS, value: session.api.CKO_PRIVATE_KEY }, ...naming(session.api, session.uri)])
      .length > 0
  );
}

function publicKey(session: Session): Uint8Array {
  const { token, api, handle, uri } = session;
  const key = findKey(session, [{ type: api.CKA_CLASS, value: api.CKO_PUBLIC_KEY }, ...naming(api, uri)], 'public key');
  const [point] = token.C_GetAttributeValue(handle, key, [{ type: api.CKA_EC_POINT }]);
  const bytes = point?.value;
  if (!Buffer.isBuffer(bytes) || !bytes.subarray(0, POINT_HEADER.length).equals(POINT_HEADER))
    throw new Problem(`${uri.name}: its public key is no uncompressed point.`, 'Make the key on the curve secp256k1.');
  return Buffer.concat([SPKI_PREFIX, bytes.subarray(POINT_HEADER.length)]);
}

/** RFC 7512: from a file named by the URI; else from the environment. A PIN within the URI would stand in shell histories. */
async function pinOf({ pinSource, name }: Pkcs11Uri): Promise<string> {
  const path = pinSource?.replace(/^file:(\/\/)?/, '');
  const pin = path === undefined ? process.env['SMARTLITE_PKCS11_PIN'] : await readFile(path, 'utf8').catch(() => undefined);
  if (pin !== undefined && pin.trim() !== '') return pin.trim();
  throw new Problem(`${name}: no PIN.`, 'Set SMARTLITE_PKCS11_PIN, or name a file: ?pin-source=file:/path.', { exitCode: 2 });
}
