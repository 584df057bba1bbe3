import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AuditKind } from '@smartlite/contracts';
import type { VerificationLog } from '../engine.ts';

/** What the seed asks for: every verification and signature operation, and what changes keys or mode. */
const SHOWN: ReadonlySet<AuditKind> = new Set<AuditKind>([
  'verification.passed',
  'verification.failed',
  'signature.made',
  'signature.checked',
  'key.changed',
  'mode.changed',
  'artifact.quarantined',
  'alarm.raised',
]);
/** Enough of the file's end to find a line of ours among those that commands have appended. */
const LOOK_BACK_BYTES = 1024 * 1024;

/** A view for people, appended to: it proves nothing. Lines that other programs append are left alone. */
export function verificationLogFile(file: string, origin: string): VerificationLog {
  let last = lastPosition(file, origin);
  return {
    get last() {
      return last;
    },
    add(lines) {
      const shown = lines.filter(({ entry, position }) => SHOWN.has(entry.kind) && position > last);
      last = Math.max(last, ...lines.map(({ position }) => position));
      // The command line has already written its own.
      const own = shown.filter(({ entry }) => entry.service !== 'cli');
      if (own.length === 0) return;
      const text = own.map(({ entry: { id, atUnixMs, service, producer, kind, actor, traceId, facts }, position }) =>
        JSON.stringify({
          at: new Date(atUnixMs).toISOString(),
          kind,
          service,
          instance: producer,
          actor,
          traceId,
          ...facts,
          id,
          log: origin,
          position,
        }),
      );
      append(file, `${text.join('\n')}\n`);
    },
  };
}

function append(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, 'a', 0o640);
  try {
    // One write: O_APPEND keeps the lines of several writers whole.
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

function lastPosition(file: string, origin: string): number {
  for (const line of endOf(file).split('\n').toReversed()) {
    try {
      const { log, position } = JSON.parse(line) as { log?: unknown; position?: unknown };
      if (log === origin && typeof position === 'number') return position;
    } catch {
      // The first line of the piece is cut, and a line of another program may be anything.
    }
  }
  return -1;
}

function endOf(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, LOOK_BACK_BYTES));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
