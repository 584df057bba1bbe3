import type { Command } from 'commander';
import { findBus } from '../mesh/find.ts';
import { openBus } from '../mesh/stores/bus.ts';
import { readTrace, recentTraces } from '../mesh/stores/traces.ts';
import { drawWaterfall, waterfall } from '../mesh/waterfall.ts';
import { Problem } from '../problem.ts';
import { findPlace } from '../up/place.ts';

/** How many traces are offered when the one asked for is not there. */
const OFFERED = 5;

/** `smartlite trace ID` */
export function registerTrace(program: Command): void {
  program
    .command('trace')
    .argument('<id>', 'trace id: 32 hex digits, as a turn prints it')
    .description('the end-to-end trace of one request as a waterfall')
    .option('--json', 'print one JSON object')
    .action(trace);
}

async function trace(id: string, options: { readonly json?: boolean }): Promise<void> {
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new Problem(`"${id}" is no trace id.`, 'A trace id is 32 hex digits; each turn prints its own.', { exitCode: 2 });
  await using bus = await openBus(await findBus(findPlace()));
  const rows = waterfall(await readTrace(bus, id));
  if (rows.length === 0) throw await absent(id, await recentTraces(bus, OFFERED));
  if (options.json)
    console.log(JSON.stringify({ traceId: id, spans: rows.map(({ span, ...times }) => ({ ...span, ...times })) }));
  else console.log(`trace ${id}\n${drawWaterfall(rows)}`);
}

async function absent(id: string, recent: readonly string[]): Promise<Problem> {
  const offer = recent.length > 0 ? `The newest: ${recent.join(' ')}` : 'There are none now; a turn makes one.';
  return new Problem(`The local store holds no trace ${id}: it keeps the last hour, at most 64 MB.`, offer);
}
