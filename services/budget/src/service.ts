import { defineService, implement, inCommandSpan, type Platform } from '@smartlite/chassis';
import {
  type AccountRequest,
  type AccountResponse,
  BudgetServiceService,
  type ExtendRequest,
  MeshError,
  type ReleaseRequest,
  type ReserveRequest,
  type SettleRequest,
} from '@smartlite/contracts';
import type { Accountant } from './accountant.ts';
import type { Amounts } from './amounts.ts';
import { budgetConfig } from './config.ts';
import { interleave } from './interleave.ts';
import { openAccountant } from './open.ts';
import type { Outcome } from './outcome.ts';
import { setLimit } from './setlimit.ts';
import { amountsOf, grantMessage, messageOf, settled, usageMessage } from './wire.ts';

/** Commands of one stream that may be under way at once: as many turns as one gateway carries, and some. */
const ACCOUNT_COMMANDS_MAX = 1_024;

export const budget = defineService({
  name: 'budget',
  config: budgetConfig,

  wire(config, platform) {
    let accountant: Accountant | undefined;
    const books = (): Accountant => {
      if (!accountant) throw new MeshError('budget-unavailable', 'the ledger is still being read', { retryAfterMs: 500 });
      return accountant;
    };

    const tellRefusal = (outcome: Outcome) => {
      if (outcome.kind === 'refused') {
        const { limit, subject, refillsMs: refillsUnixMs } = outcome;
        platform.bus.publishEvent('budget.exhausted', { limit, subject, refillsUnixMs });
      }
      return grantMessage(outcome);
    };
    const reserve = async ({ key, tenant, user, amounts, covered, lifeMs }: ReserveRequest) => {
      if (!key || !tenant || !user) throw new MeshError('invalid-argument', 'key, tenant and user are required');
      const outcome = await books().decide({
        kind: 'reserve',
        key,
        tenant,
        user,
        amounts: amountsOf(amounts),
        covered: amountsOf(covered),
        lifeMs,
      });
      return tellRefusal(outcome);
    };
    const extend = async ({ reservationId, key, more, spent }: ExtendRequest) => {
      const command = {
        kind: 'extend',
        reservation: reservationId,
        key,
        more: amountsOf(more),
        spent: amountsOf(spent),
      } as const;
      return tellRefusal(await books().decide(command));
    };
    const settle = async ({ reservationId, spent }: SettleRequest) => {
      const { charged, freed, overrun } = settled(
        await books().decide({ kind: 'settle', reservation: reservationId, spent: amountsOf(spent) }),
      );
      tellOverrun(platform, reservationId, overrun);
      return { charged: messageOf(charged), freed: messageOf(freed) };
    };
    const release = async ({ reservationId }: ReleaseRequest) => {
      const { freed } = settled(await books().decide({ kind: 'release', reservation: reservationId }));
      return { freed: messageOf(freed) };
    };
    const answer = async (command: AccountRequest['command']): Promise<AccountResponse['result']> => {
      switch (command?.$case) {
        case 'reserve':
          return { $case: 'reserve', value: await reserve(command.value) };
        case 'extend':
          return { $case: 'extend', value: await extend(command.value) };
        case 'settle':
          return { $case: 'settle', value: await settle(command.value) };
        case 'release':
          return { $case: 'release', value: await release(command.value) };
        case undefined:
          throw new MeshError('invalid-argument', 'the request carries no command');
      }
    };
    const account = async ({ id, command, traceparent }: AccountRequest): Promise<AccountResponse> => {
      try {
        const name = `smartlite.v1.BudgetService/Account ${command?.$case ?? ''}`;
        return { id, result: await inCommandSpan(name, traceparent, () => answer(command)) };
      } catch (caught) {
        const { code, message, retryAfterMs = 0 } = MeshError.from(caught);
        return { id, result: { $case: 'failure', value: { code, message, retryAfterMs } } };
      }
    };

    return {
      grpc: [
        implement(BudgetServiceService, {
          reserve: { inSafeMode: 'refuse', handle: reserve },
          extend: { inSafeMode: 'refuse', handle: extend },
          // Work that was cut by safe mode must be able to end its books.
          settle: { inSafeMode: 'serve', handle: settle },
          release: { inSafeMode: 'serve', handle: release },
          account: {
            inSafeMode: 'serve',
            handle: (requests, call) => interleave(requests, guarded(account, platform), ACCOUNT_COMMANDS_MAX, call.signal),
          },
          getUsage: {
            inSafeMode: 'serve',
            async handle({ tenant, user }) {
              return { usages: books().usage({ tenant, user }).map(usageMessage) };
            },
          },
          setLimit: { inSafeMode: 'serve', handle: (request, call) => setLimit(books(), platform, request, call) },
        }),
      ],
      facts: () => ({
        inflight: accountant?.underWay ?? 0,
        queued: 0,
        models: [],
        ...(!accountant?.ready && { notReady: 'the ledger is being read' }),
      }),
      async start() {
        accountant = await openAccountant(platform, config);
      },
    };
  },
});

/** What was used and cannot be charged any more: never silently put into a window that has been granted out meanwhile. */
function tellOverrun({ bus, log, metrics }: Platform, reservation: string, overrun: Amounts): void {
  const counter = metrics.counter('budget_overrun_total', 'used beyond what was reserved, and so not charged', ['unit']);
  for (const [unit, amount] of Object.entries(overrun)) {
    log.error('a settlement exceeds what was reserved', { reservation, unit, amount });
    counter.inc({ unit }, amount);
    bus.publishEvent('budget.overrun', { reservation, unit, amount });
  }
}

/** The stream itself is open in every mode; what a command may do is decided command by command, as for the unary methods. */
function guarded(account: (request: AccountRequest) => Promise<AccountResponse>, { guard }: Platform) {
  return async (request: AccountRequest): Promise<AccountResponse> => {
    const { mode } = guard.current();
    const spends = request.command?.$case === 'reserve' || request.command?.$case === 'extend';
    if (!spends || mode === 'normal') return account(request);
    const code = mode === 'halted' ? 'halted' : mode === 'starting' ? 'starting' : 'safe-mode';
    return {
      id: request.id,
      result: { $case: 'failure', value: { code, message: `nothing is reserved while the mode is ${mode}`, retryAfterMs: 0 } },
    };
  };
}
