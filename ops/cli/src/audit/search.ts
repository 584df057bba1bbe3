import {
  decodeBundle,
  encodeProof,
  LogFault,
  nodesOf,
  openCheckpoint,
  proveInclusion,
  readTile,
  TILE_WIDTH,
  tileAt,
  tilePath,
} from '@smartlite/tlog';
import type { AuditEntry } from '@smartlite/contracts';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { LogPlace } from './place.ts';

/** What is read of an entry here. Times are such that a date can name them. */
const entrySchema = z.looseObject({
  id: z.string(),
  producer: z.string(),
  service: z.string(),
  atUnixMs: z.int().min(0).max(8.64e15),
  kind: z.string(),
  actor: z.string(),
  traceId: z.string().nullish(),
  facts: z.record(z.string(), z.unknown()),
});

export interface Found {
  readonly index: number;
  readonly entry: AuditEntry;
  readonly bytes: Uint8Array;
}

export interface Filter {
  readonly id?: string;
  readonly trace?: string;
  readonly service?: string;
  readonly kind?: string;
  readonly actor?: string;
  /** Only entries below this index. */
  readonly before?: number;
  readonly fromUnixMs?: number;
  readonly toUnixMs?: number;
}

/** Entries that match, the newest first. Reads the log's files: what it says is as good as they are; `audit verify` checks them. */
export async function* search(log: LogPlace, filter: Filter): AsyncIterable<Found> {
  const { size } = await headOf(log);
  const end = Math.min(size, filter.before ?? size);
  for (let index = Math.floor((end - 1) / TILE_WIDTH); index >= 0; index -= 1) {
    const tile = tileAt('entries', index, size);
    const bytes = await readTile(log.files, tile);
    if (!bytes)
      throw new Problem(`${tilePath(tile)} is missing in ${log.folder}.`, 'npx smartlite audit verify says what else is.', {
        exitCode: 1,
      });
    const entries = decodeBundle(bytes, tilePath(tile)).slice(0, tile.width);
    for (let at = entries.length - 1; at >= 0; at -= 1) {
      if (index * TILE_WIDTH + at >= end) continue;
      const found = { index: index * TILE_WIDTH + at, bytes: entries[at] as Uint8Array };
      const entry = entryIn(found.bytes, `entry ${found.index}`);
      if (matches(entry, filter)) yield { ...found, entry };
    }
  }
}

/** A log from elsewhere may hold anything. Throws BUNDLE_MALFORMED for what is no audit entry. */
export function entryIn(bytes: Uint8Array, where: string): AuditEntry {
  const entry = jsonOf(bytes);
  if (!entrySchema.safeParse(entry).success) throw new LogFault('BUNDLE_MALFORMED', where, `${where} is no audit entry`);
  // As it was written: a schema would put its members into another order.
  return entry as AuditEntry;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** One file that proves the entry; undefined where the log does not hold it. */
export async function prove(log: LogPlace, id: string): Promise<string | undefined> {
  for await (const { index, bytes } of search(log, { id })) {
    const { size, note } = await headOf(log);
    const path = await proveInclusion(index, size, nodesOf(log.files, size));
    return encodeProof({ entry: bytes, index, path, checkpoint: note });
  }
  return undefined;
}

async function headOf({ files, key, folder }: LogPlace) {
  const bytes = await files.read('checkpoint');
  if (!bytes)
    throw new Problem(`There is no log in ${folder}.`, 'The audit service makes one when the mesh starts: npm start.', {
      exitCode: 2,
    });
  return openCheckpoint(Buffer.from(bytes).toString('utf8'), key);
}

function matches(entry: AuditEntry, { id, trace, service, kind, actor, fromUnixMs, toUnixMs }: Filter): boolean {
  return (
    (id === undefined || entry.id === id) &&
    (actor === undefined || entry.actor === actor) &&
    (trace === undefined || entry.traceId === trace) &&
    (service === undefined || entry.service === service) &&
    (kind === undefined || entry.kind === kind || entry.kind.startsWith(`${kind}.`)) &&
    (fromUnixMs === undefined || entry.atUnixMs >= fromUnixMs) &&
    (toUnixMs === undefined || entry.atUnixMs <= toUnixMs)
  );
}
