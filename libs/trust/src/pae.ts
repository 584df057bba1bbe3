/** Every object that we sign begins so; an artifact that begins so is refused, for it could be the encoding of a forged lock. */
export const PAE_TAG = 'DSSEv1';

/** DSSE v1 pre-authentication encoding: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
export function pae(type: string, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${PAE_TAG} ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `), payload]);
}
