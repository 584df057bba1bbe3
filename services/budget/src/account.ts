import { inCommandSpan, type Platform } from '@smartlite/chassis';
import { type AccountRequest, type AccountResponse, MeshError } from '@smartlite/contracts';
import { interleave } from './interleave.ts';
import type { Given } from './commands.ts';

/** Commands of one stream that may be under way at once: as many turns as one gateway carries, and some. */
const COMMANDS_MAX = 1_024;

/** Decides a command; a failure is thrown. */
export type Decide = (command: AccountRequest['command']) => Promise<Given>;

/** The long-lived stream: commands one by one or in batches, answered in any order under their ids, what is ready together at once. */
export async function* converse(
  requests: AsyncIterable<AccountRequest>,
  decide: Decide,
  { guard }: Pick<Platform, 'guard'>,
  signal: AbortSignal,
): AsyncIterable<AccountResponse> {
  const answer = guarded(decide, guard);
  for await (const results of interleave(oneByOne(requests), answer, COMMANDS_MAX, signal)) {
    const [first, ...more] = results;
    if (first && more.length === 0) yield first;
    else if (first) yield { id: 0n, result: { $case: 'batch', value: { results: [first, ...more] } } };
  }
}

async function* oneByOne(requests: AsyncIterable<AccountRequest>): AsyncIterable<AccountRequest> {
  for await (const request of requests) {
    if (request.command?.$case === 'batch') yield* request.command.value.commands;
    else yield request;
  }
}

/** The stream itself is open in every mode; what a command may do is decided command by command, as for the unary methods. */
function guarded(decide: Decide, guard: Platform['guard']) {
  return async ({ id, command, traceparent }: AccountRequest): Promise<AccountResponse> => {
    const { mode } = guard.current();
    const spends = command?.$case === 'reserve' || command?.$case === 'extend';
    const code = mode === 'halted' ? 'halted' : mode === 'starting' ? 'starting' : 'safe-mode';
    if (spends && mode !== 'normal') return failed(id, new MeshError(code, `nothing is reserved while the mode is ${mode}`));
    try {
      const name = `smartlite.v1.BudgetService/Account ${command?.$case ?? ''}`;
      return { id, result: await inCommandSpan(name, traceparent, () => decide(command)) };
    } catch (caught) {
      return failed(id, MeshError.from(caught));
    }
  };
}

function failed(id: bigint, { code, message, retryAfterMs = 0 }: MeshError): AccountResponse {
  return { id, result: { $case: 'failure', value: { code, message, retryAfterMs } } };
}
