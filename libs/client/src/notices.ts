import { NOTICE_HEADER } from '@smartlite/contracts';
import { openNotice, type RoleTrust } from '@smartlite/trust';
import type { MsgHdrs } from 'nats';

/** A message on the bus, as core NATS and JetStream both give it. Anybody may have sent it. */
export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs | undefined;
}

/** What an event says of itself. */
export interface Facts {
  readonly id: string;
  /** `/smartlite/<service>/<instance>`, as that instance's key has signed it. */
  readonly source: string;
  /** RFC 3339. */
  readonly time: string;
  /** SHA-256 of the signer's key (SPKI), hex. */
  readonly keyId: string;
  readonly data: unknown;
}

/** Proves the signature of an event or alert, then parses its body. Throws what is wrong. */
export function openMessage({ subject, data, headers }: Message, trust: RoleTrust): Facts {
  const attribute = (name: string) => headers?.get(name) ?? '';
  const notice = { subject, id: attribute('ce-id'), source: attribute('ce-source'), time: attribute('ce-time') };
  const envelope = Buffer.from(attribute(NOTICE_HEADER), 'base64');
  const { keyId } = openNotice(envelope, { ...notice, body: data }, trust, Date.now());
  return {
    id: notice.id,
    source: notice.source,
    time: notice.time,
    keyId,
    data: JSON.parse(Buffer.from(data).toString('utf8')) as unknown,
  };
}
