import { Problem } from '../../problem.ts';

export interface Pkcs11Uri {
  readonly modulePath: string;
  readonly token: string | undefined;
  readonly object: string | undefined;
  readonly id: Buffer | undefined;
  readonly pinSource: string | undefined;
  /** The URI without its query: for people and the trail. */
  readonly name: string;
}

const PATH_ATTRIBUTES = ['token', 'object', 'id', 'type'];
const QUERY_ATTRIBUTES = ['module-path', 'pin-source'];

/** The part of RFC 7512 that names one key: token, object, id; module-path and pin-source. An attribute that is not known is refused. */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
  const [path = '', query = ''] = uri.replace(/^pkcs11:/, '').split('?');
  const named = attributes(path, ';', PATH_ATTRIBUTES);
  const asked = attributes(query, '&', QUERY_ATTRIBUTES);
  const modulePath = asked.get('module-path')?.toString() ?? process.env['SMARTLITE_PKCS11_MODULE'];
  if (modulePath === undefined) throw misuse('no module', 'Add ?module-path=/path/of/module.so, or set SMARTLITE_PKCS11_MODULE.');
  if (!named.has('object') && !named.has('id')) throw misuse('no key is named', 'Add object=LABEL or id=%01.');
  return {
    modulePath,
    token: named.get('token')?.toString(),
    object: named.get('object')?.toString(),
    id: named.get('id'),
    pinSource: asked.get('pin-source')?.toString(),
    name: `pkcs11:${path}`,
  };
}

function attributes(text: string, separator: string, known: readonly string[]): ReadonlyMap<string, Buffer> {
  const parts = text.split(separator).filter((part) => part !== '');
  return new Map(
    parts.map((part) => {
      const [name = '', value] = part.split('=', 2);
      // Said without its value: it may be a PIN.
      if (!known.includes(name) || value === undefined) throw misuse(`"${name}" is not taken`, `Known are ${known.join(', ')}.`);
      return [name, bytesOf(value)];
    }),
  );
}

/** Percent-encoded octets: an id need not be text. */
function bytesOf(value: string): Buffer {
  const bytes = value.match(/%[0-9a-fA-F]{2}|[^%]+/g) ?? [];
  if (bytes.join('') !== value) throw misuse('a percent sign without two hex digits', 'Write it as %25.');
  return Buffer.concat(bytes.map((part) => (part.startsWith('%') ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))));
}

function misuse(what: string, remedy: string): Problem {
  return new Problem(`--key pkcs11: ${what}.`, remedy, { exitCode: 2 });
}
