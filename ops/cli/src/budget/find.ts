import { budgetCalls, type BudgetCalls } from '@smartlite/client';
import { findBus } from '../mesh/find.ts';
import { openBus } from '../mesh/stores/bus.ts';
import { discover } from '../mesh/stores/instances.ts';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';

/** Finds a budget service of the running mesh. Any of them will do: the ledger's log decides, not the one who is asked. */
export async function findBudget(place: Place): Promise<BudgetCalls> {
  await using bus = await openBus(await findBus(place));
  const found = (await discover(bus)).find(({ service, grpc }) => service === 'budget' && grpc !== '');
  if (found) return budgetCalls(found.grpc);
  throw new Problem('No budget service of the mesh answers.', 'npx smartlite status shows who is there.');
}
