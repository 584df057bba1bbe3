import { defineService, implement, type Platform } from '@smartlite/chassis';
import { type AccountRequest, BudgetServiceService, MeshError } from '@smartlite/contracts';
import { converse } from './account.ts';
import type { Accountant } from './accountant.ts';
import { type Asked, commandOf, type Given, givenFor } from './commands.ts';
import { budgetConfig } from './config.ts';
import { openAccountant } from './open.ts';
import type { Outcome } from './outcome.ts';
import { setLimit } from './setlimit.ts';
import { usageMessage } from './wire.ts';

export const budget = defineService({
  name: 'budget',
  config: budgetConfig,

  wire(config, platform) {
    let accountant: Accountant | undefined;
    const books = (): Accountant => {
      if (!accountant) throw new MeshError('budget-unavailable', 'the ledger is still being read', { retryAfterMs: 500 });
      return accountant;
    };

    const decide = async (asked: AccountRequest['command']): Promise<Given> => {
      const command = commandOf(asked);
      const outcome = await books().decide(command);
      tellRefusal(platform, outcome);
      tellOverrun(platform, outcome, 'reservation' in command ? command.reservation : '');
      return givenFor(asked, outcome);
    };
    /** One command in a call of its own. */
    const alone = async <C extends Given['$case']>(asked: Asked & { readonly $case: C }) =>
      (await decide(asked)).value as GivenBy<C>;

    return {
      grpc: [
        implement(BudgetServiceService, {
          reserve: { inSafeMode: 'refuse', handle: (value) => alone({ $case: 'reserve', value }) },
          extend: { inSafeMode: 'refuse', handle: (value) => alone({ $case: 'extend', value }) },
          // Work that was cut by safe mode must be able to end its books.
          settle: { inSafeMode: 'serve', handle: (value) => alone({ $case: 'settle', value }) },
          release: { inSafeMode: 'serve', handle: (value) => alone({ $case: 'release', value }) },
          account: { inSafeMode: 'serve', handle: (requests, call) => converse(requests, decide, platform, call.signal) },
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

type GivenBy<C extends Given['$case']> = Extract<Given, { readonly $case: C }>['value'];

function tellRefusal({ bus }: Platform, outcome: Outcome): void {
  if (outcome.kind !== 'refused') return;
  const { limit, subject, refillsMs: refillsUnixMs } = outcome;
  bus.publishEvent('budget.exhausted', { limit, subject, refillsUnixMs });
}

/** What was used and cannot be charged any more: never silently put into a window that has been granted out meanwhile. */
function tellOverrun({ bus, log, metrics }: Platform, outcome: Outcome, reservation: string): void {
  if (outcome.kind !== 'settled') return;
  const counter = metrics.counter('budget_overrun_total', 'used beyond what was reserved, and so not charged', ['unit']);
  for (const [unit, amount] of Object.entries(outcome.overrun)) {
    log.error('a settlement exceeds what was reserved', { reservation, unit, amount });
    counter.inc({ unit }, amount);
    bus.publishEvent('budget.overrun', { reservation, unit, amount });
  }
}
