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
const INSTALL = 'It is optional and needs a compiler: apt-get install -y g++ make python3 && npm rebuild pkcs11js';

/**
 * A secp256k1 key in a token, which never leaves it. CKM_ECDSA over the digest gives r || s with S in the upper half every other time:
 * made low-S here.
 */
export async function openPkcs11(source: string): Promise<KeySource> {
  const uri = parsePkcs11Uri(source);
  const pin = await pinOf(uri);
  const { PKCS11, ...api } = await library();
  const token = new PKCS11();
  try {
    token.load(uri.modulePath);
    token.C_Initialize();
    const session = login(token, api, uri, pin);
    const spki = publicKey(token, api, session, uri);
    const key = findKey(
      token,
      session,
      [{ type: api.CKA_CLASS, value: api.CKO_PRIVATE_KEY }, ...naming(api, uri)],
      'private key',
      uri,
    );
    return {
      name: uri.name,
      spki,
      async sign(digest) {
        token.C_SignInit(session, { mechanism: api.CKM_ECDSA }, key);
        return normaliseLowS(token.C_Sign(session, Buffer.from(digest), Buffer.alloc(SIGNATURE_BYTES)));
      },
      [Symbol.asyncDispose]: async () => {
        token.C_CloseSession(session);
        token.C_Finalize();
        token.close();
      },
    };
  } catch (caught) {
    if (caught instanceof Problem) throw caught;
    throw new Problem(`${uri.name}: ${(caught as Error).message}.`, 'Check module-path, token, object and PIN.', {
      cause: caught,
    });
  }
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

function login(token: Pkcs11.PKCS11, api: Api, uri: Pkcs11Uri, pin: string): Pkcs11.Handle {
  const slots = token.C_GetSlotList(true);
  const slot = slots.find((each) => uri.token === undefined || token.C_GetTokenInfo(each).label.trim() === uri.token);
  if (slot === undefined)
    throw new Problem(
      `${uri.name}: there is no such token.`,
      'List tokens: pkcs11-tool --list-slots, or softhsm2-util --show-slots.',
    );
  const session = token.C_OpenSession(slot, api.CKF_SERIAL_SESSION);
  token.C_Login(session, api.CKU_USER, pin);
  return session;
}

function naming(api: Api, { object, id }: Pkcs11Uri): Pkcs11.Template {
  return [
    ...(object === undefined ? [] : [{ type: api.CKA_LABEL, value: object }]),
    ...(id === undefined ? [] : [{ type: api.CKA_ID, value: id }]),
  ];
}

function findKey(
  token: Pkcs11.PKCS11,
  session: Pkcs11.Handle,
  template: Pkcs11.Template,
  what: string,
  { name }: Pkcs11Uri,
): Pkcs11.Handle {
  token.C_FindObjectsInit(session, template);
  const found = [token.C_FindObjects(session), token.C_FindObjects(session)];
  token.C_FindObjectsFinal(session);
  const [key, second] = found;
  if (!key) throw new Problem(`${name}: the token holds no such ${what}.`, 'Name it with object= or id=.');
  if (second) throw new Problem(`${name}: more than one ${what} is of that name.`, 'Name one with object= and id=.');
  return key;
}

function publicKey(token: Pkcs11.PKCS11, api: Api, session: Pkcs11.Handle, uri: Pkcs11Uri): Uint8Array {
  const key = findKey(
    token,
    session,
    [{ type: api.CKA_CLASS, value: api.CKO_PUBLIC_KEY }, ...naming(api, uri)],
    'public key',
    uri,
  );
  const [point] = token.C_GetAttributeValue(session, key, [{ type: api.CKA_EC_POINT }]);
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
