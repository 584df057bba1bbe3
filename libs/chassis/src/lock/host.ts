import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names this machine: its id, or its name where it has none. The same for all processes on it. */
export function thisHost(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || hostname();
  } catch {
    return hostname();
  }
}
