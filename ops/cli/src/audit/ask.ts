import type { AuditEntry } from '@smartlite/contracts';
import { auditCalls } from '@smartlite/client';
import { findBus } from '../mesh/find.ts';
import { openBus } from '../mesh/stores/bus.ts';
import { discover } from '../mesh/stores/instances.ts';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';
import type { Filter, Found } from './search.ts';

/** What the service gives to one question at most. */
export const ASK_MAX = 10_000;

/** The same as `search`, asked of the running audit service by its index: for a log whose files lie elsewhere. The newest first. */
export async function ask(place: Place, region: string, filter: Filter, limit: number): Promise<readonly Found[]> {
  using service = auditCalls(await findAudit(place, region));
  const { id = '', trace: traceId = '', service: name = '', kind = '', actor = '', before = 0 } = filter;
  const times = { fromUnixMs: BigInt(filter.fromUnixMs ?? 0), toUnixMs: BigInt(filter.toUnixMs ?? 0) };
  const request = { id, traceId, service: name, kind, actor, beforeIndex: BigInt(before), ...times, limit };
  const found: Found[] = [];
  for await (const { index, entry } of service.query(request))
    found.push({ index: Number(index), entry: JSON.parse(entry) as AuditEntry, bytes: Buffer.from(entry) });
  return found.toReversed();
}

async function findAudit(place: Place, region: string): Promise<string> {
  await using bus = await openBus(await findBus(place));
  const found = (await discover(bus)).find((each) => each.service === 'audit' && each.region === region && each.grpc !== '');
  if (found) return found.grpc;
  throw new Problem(`No audit service of the region ${region} answers.`, 'npx smartlite status shows who is there.');
}
