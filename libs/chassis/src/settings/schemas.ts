import { resolve } from 'node:path';
import { z } from 'zod';

const PORT_MAX = 65_535;

/** `host:port`; port 0 lets the system choose. IPv6 hosts stand in brackets. */
export function address(description: string) {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, { error: 'is no host:port', abort: true })
    .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= PORT_MAX, `has a port above ${PORT_MAX}`)
    .describe(description);
}

/** A path, made absolute against the working directory of the start. */
export function path(description: string) {
  return z
    .string()
    .min(1)
    .transform((text) => resolve(text))
    .describe(description);
}

/** A whole number within bounds, both included. The unit belongs into the variable's name. */
export function wholeNumber(description: string, { min, max }: { readonly min: number; readonly max: number }) {
  return z
    .string()
    .regex(/^-?\d+$/, { error: 'is no whole number', abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not within ${min} to ${max}`)
    .describe(description);
}

/** `true` or `false`. */
export function flag(description: string) {
  return z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .describe(description);
}
