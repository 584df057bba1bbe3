import { z } from 'zod';
import { authored, type Authored } from './entry.ts';

// What one message of the log holds: entries of one author, under one signature, appended at once. Under load that is what makes a
// decision cheaper than an append of its own.

/** Entries of one page. With the largest of each kind it stays below a message of the bus. */
export const PAGE_ENTRIES_MAX = 32;

const { incarnation, replica, boot, atMs, counter, command } = authored.shape;
const pageSchema = z.strictObject({
  incarnation,
  replica,
  boot,
  atMs,
  entries: z.array(z.strictObject({ counter, command })).min(1).max(PAGE_ENTRIES_MAX),
});
export type Page = z.infer<typeof pageSchema>;

/** A page as it travels: its bytes, and the author's signature beside them. */
export interface SealedPage {
  readonly body: Uint8Array;
  /** Undefined for a message that carries none. Attacker-controlled until the notary has opened the page. */
  readonly seal: Seal | undefined;
}

export interface Seal {
  /** SHA-256 of the author's key, hex. */
  readonly keyId: string;
  /** Ed25519, base64. */
  readonly signature: string;
  /** PEM, leaf first: in an author's first page, and when they were renewed. */
  readonly certificates: readonly string[] | undefined;
}

export function encodePage(page: Page): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(page));
}

/** Undefined for bytes that are no page. */
export function parsePage(bytes: Uint8Array): Page | undefined {
  try {
    return pageSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}

export function entriesOf({ entries, ...author }: Page): readonly Authored[] {
  return entries.map((entry) => ({ ...author, ...entry }));
}
