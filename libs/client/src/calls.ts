import { Client, credentials } from '@grpc/grpc-js';
import { type GetStatusResponse, type OrderResponse, VerifierServiceService, type VerifyResponse } from '@smartlite/contracts';
import { unary } from './unary.ts';

/** Longest wait for an answer; a full verification of large models takes its time. */
const DEADLINE_MS = 30_000;
const VERIFY_DEADLINE_MS = 600_000;

/** Calls to one verifier. All run in every mode. Failures are MeshErrors. */
export interface VerifierCalls extends Disposable {
  /** The last lock status, signed, and who has applied what. */
  getStatus(): Promise<GetStatusResponse>;
  /** A full verification that begins now. */
  verify(): Promise<VerifyResponse>;
  /** An operator's signed order; resolves when the control log holds it, with the mode that it led to. */
  order(signedOrder: Uint8Array): Promise<OrderResponse>;
}

/** Calls to the verifier at this address, `host:port` as discovery gives it. */
export function verifierCalls(address: string): VerifierCalls {
  const client = new Client(address, credentials.createInsecure());
  const { getStatus, verify, order } = VerifierServiceService;
  return {
    getStatus: () => unary(client, 'verifier', getStatus, {}, { timeoutMs: DEADLINE_MS }),
    verify: () => unary(client, 'verifier', verify, {}, { timeoutMs: VERIFY_DEADLINE_MS }),
    order: (signedOrder) =>
      unary(client, 'verifier', order, { signedOrder: Buffer.from(signedOrder) }, { timeoutMs: DEADLINE_MS }),
    [Symbol.dispose]: () => client.close(),
  };
}
