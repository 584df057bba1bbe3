import { readFile } from 'node:fs/promises';
import { readCertificate, splitPem } from '@smartlite/trust';

const DAY_MS = 86_400_000;
/** A key of 90 days is rotated with two weeks left: a machine that is started weekly never meets the end. */
const ROTATE_BEFORE_MS = 14 * DAY_MS;

export interface Validity {
  readonly subject: string;
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

/** From when to when the first certificate of a PEM file holds; undefined when the file is not there. */
export async function validityOf(path: string): Promise<Validity | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const [leaf] = text === undefined ? [] : splitPem(text);
  if (leaf === undefined) return undefined;
  const { subject, validFrom, validTo } = readCertificate(leaf);
  return { subject, fromUnixMs: validFrom.getTime(), toUnixMs: validTo.getTime() };
}

/** True when the certificate is missing or near its end. */
export async function rotationDue(path: string, nowMs: number): Promise<boolean> {
  const validity = await validityOf(path);
  return validity === undefined || nearEnd(validity.toUnixMs, nowMs);
}

export function nearEnd(toUnixMs: number, nowMs: number): boolean {
  return nowMs > toUnixMs - ROTATE_BEFORE_MS;
}
