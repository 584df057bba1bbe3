import { Client, credentials } from '@grpc/grpc-js';
import {
  BudgetServiceService,
  type GetUsageRequest,
  type GetUsageResponse,
  type SetLimitRequest,
  type SetLimitResponse,
} from '@smartlite/contracts';
import { unary } from './unary.ts';

/** An append to the ledger and its way back take milliseconds; a replica that is still reading the ledger refuses at once. */
const DEADLINE_MS = 15_000;

/** Calls to one budget service; any of them will do. Both run in every mode. Failures are MeshErrors. */
export interface BudgetCalls extends Disposable {
  /** Limits and what they stand at: the fleet's, with a tenant its own, with a user the user's. */
  getUsage(request: GetUsageRequest): Promise<GetUsageResponse>;
  /** Carries out an operator's signed order; in force, for every replica, once this resolves. */
  setLimit(request: SetLimitRequest): Promise<SetLimitResponse>;
}

/** Calls to the budget at this address, `host:port` as discovery gives it. Who calls is not asked: an order is signed. */
export function budgetCalls(address: string): BudgetCalls {
  const client = new Client(address, credentials.createInsecure());
  const { getUsage, setLimit } = BudgetServiceService;
  const options = { timeoutMs: DEADLINE_MS };
  return {
    getUsage: (request) => unary(client, 'budget', getUsage, request, options),
    setLimit: (request) => unary(client, 'budget', setLimit, request, options),
    [Symbol.dispose]: () => client.close(),
  };
}
