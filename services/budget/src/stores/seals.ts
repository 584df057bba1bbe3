import { headers, type JsMsg, type MsgHdrs } from 'nats';
import { z } from 'zod';
import type { Seal } from '../page.ts';

// A page's signature travels in the headers of its message, so that the body stays plain JSON.

const KEY = 'smartlite-key';
const SIGNATURE = 'smartlite-signature';
/** JSON in base64: header values hold no line breaks. */
const CERTIFICATES = 'smartlite-certificates';
/** A chain of two takes about 3,000. */
const CERTIFICATES_CHARS_MAX = 32_768;

const chainSchema = z.array(z.string()).min(1).max(4);

export function headersOf({ keyId, signature, certificates }: Seal): MsgHdrs {
  const all = headers();
  all.set(KEY, keyId);
  all.set(SIGNATURE, signature);
  if (certificates) all.set(CERTIFICATES, Buffer.from(JSON.stringify(certificates)).toString('base64'));
  return all;
}

/** Undefined where there is none, or one that cannot be read. */
export function sealOf({ headers: all }: Pick<JsMsg, 'headers'>): Seal | undefined {
  const [keyId, signature, chain] = [KEY, SIGNATURE, CERTIFICATES].map((name) => all?.get(name) ?? '') as [
    string,
    string,
    string,
  ];
  if (!keyId || !signature || chain.length > CERTIFICATES_CHARS_MAX) return undefined;
  if (!chain) return { keyId, signature, certificates: undefined };
  try {
    const certificates = chainSchema.parse(JSON.parse(Buffer.from(chain, 'base64').toString('utf8')));
    return { keyId, signature, certificates };
  } catch {
    return undefined;
  }
}
