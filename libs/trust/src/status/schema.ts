import { z } from 'zod';

/** Shapes that several signed messages have in common. */
export const count = z.int().min(0);
export const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
export const lockDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
export const name = z.string().min(1).max(128);
/** Of each text for people in a signed message; what the log and every guard must carry stays small. */
export const TEXT_MAX = 1_000;
export const text = z.string().max(TEXT_MAX);
export const fleet = z.string().min(1).max(64);
