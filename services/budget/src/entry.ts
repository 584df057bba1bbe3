import { z } from 'zod';
import { UNITS } from './amounts.ts';
import { WINDOWS, type WindowName } from './limits.ts';

// The commands of the ledger's log, as they stand in the stream. Parsed strictly: an entry that does not parse is skipped by every
// replica alike, so a bad writer cannot make two replicas differ.

/** Longest name of a tenant, user or key: names go into every entry and every counter. */
const NAME_CHARS_MAX = 256;

const amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const amounts = z.partialRecord(z.enum(UNITS), amount);
const name = z.string().max(NAME_CHARS_MAX);
const windowName = z.enum(Object.keys(WINDOWS) as [WindowName, ...WindowName[]]);

const limit = z.strictObject({
  scope: z.enum(['fleet', 'tenant', 'user']),
  subject: name,
  unit: z.enum(UNITS),
  window: windowName,
  limit: amount,
});

const command = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reserve'),
    key: name.min(1),
    tenant: name.min(1),
    user: name.min(1),
    amounts,
    lifeMs: amount,
  }),
  z.strictObject({ kind: z.literal('extend'), reservation: name, key: name.min(1), more: amounts, spent: amounts }),
  z.strictObject({ kind: z.literal('settle'), reservation: name, spent: amounts }),
  z.strictObject({ kind: z.literal('release'), reservation: name }),
  z.strictObject({ kind: z.literal('set-limit'), limit }),
]);

export const authored = z.strictObject({
  /** Which replica wrote it, and which life of it: an older life is refused (protocols 5.12). */
  replica: name.min(1),
  boot: amount,
  /** The writer's clock. */
  atMs: amount,
  command,
});

export type Command = z.infer<typeof command>;
export type Authored = z.infer<typeof authored>;

/** An entry of the log; undefined for bytes that are no entry. */
export function parseEntry(bytes: Uint8Array): Authored | undefined {
  try {
    return authored.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}
