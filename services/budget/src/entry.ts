import { budgetLimitSchema } from '@smartlite/trust';
import { z } from 'zod';
import { UNITS } from './amounts.ts';

// The commands of the ledger's log, as they stand in the stream. Parsed strictly: an entry that does not parse is skipped by every
// replica alike, so a bad writer cannot make two replicas differ.

/** Longest name of a tenant, user or key: names go into every entry and every counter. */
const NAME_CHARS_MAX = 256;
/** Longest name of a replica: it is a part of the ids of reservations, which are names themselves. */
const REPLICA_CHARS_MAX = 128;
/** An order with its chain of certificates takes about 4,000. */
const ORDER_CHARS_MAX = 16_384;
/** Limits of one pack: an entry must fit into a message. */
const LIMITS_MAX = 64;

const amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const amounts = z.partialRecord(z.enum(UNITS), amount);
const name = z.string().max(NAME_CHARS_MAX);

const command = z.discriminatedUnion('kind', [
  // The first entry of a log; it gives the log its incarnation.
  z.strictObject({ kind: z.literal('begin') }),
  z.strictObject({
    kind: z.literal('reserve'),
    key: name.min(1),
    tenant: name.min(1),
    user: name.min(1),
    amounts,
    // What the holder may use before it first reports.
    covered: amounts.optional(),
    lifeMs: amount,
  }),
  // `spent` is a cover: how much the holder will have used at most before it reports again.
  z.strictObject({ kind: z.literal('extend'), reservation: name, key: name.min(1), more: amounts, spent: amounts }),
  z.strictObject({ kind: z.literal('settle'), reservation: name, spent: amounts }),
  z.strictObject({ kind: z.literal('release'), reservation: name }),
  // An operator's signed order, base64: proven by every replica's fold, whoever wrote it here.
  z.strictObject({ kind: z.literal('set-limit'), order: z.string().min(1).max(ORDER_CHARS_MAX) }),
  // The limits of a signed pack. They are in the log because replicas of two packs would otherwise fold two ledgers.
  z.strictObject({
    kind: z.literal('adopt-limits'),
    generation: amount,
    sequence: amount,
    limits: z.array(budgetLimitSchema).max(LIMITS_MAX).readonly(),
  }),
  // Moves the ledger's time where nothing else does, so that what has ended is closed.
  z.strictObject({ kind: z.literal('tick') }),
  // A replica found that the log is not the one it had read: nothing is granted for a while.
  z.strictObject({ kind: z.literal('recover'), lostPosition: amount, lostIncarnation: name }),
]);

export const authored = z.strictObject({
  /** Which log it was written for: an entry of another is refused. */
  incarnation: name.min(1),
  /** Which replica wrote it, and which life of it: an older life is refused. */
  replica: name.min(1).max(REPLICA_CHARS_MAX),
  boot: amount,
  /** Counts the entries of this life: one that is replayed is refused. */
  counter: amount,
  /** The writer's clock. */
  atMs: amount,
  command,
});

export type Command = z.infer<typeof command>;
export type Authored = z.infer<typeof authored>;
