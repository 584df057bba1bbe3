import {
  type Inspection,
  inspectLog,
  type KnownCheckpoint,
  LogFault,
  type LogFaultCode,
  openCheckpoint,
  sameHash,
} from '@smartlite/tlog';
import { roleTrust } from '@smartlite/trust';
import { Problem } from '../problem.ts';
import { ProducerChains } from './chain.ts';
import type { LogPlace } from './place.ts';
import { ProducerSignatures } from './signatures.ts';
import { keep, readIfThere } from './stores/folder.ts';

/** Faults of bytes that are no checkpoint at all, whoever signed them. */
const UNREADABLE: ReadonlySet<LogFaultCode> = new Set<LogFaultCode>(['NOTE_MALFORMED', 'CHECKPOINT_MALFORMED']);

export interface LogVerification {
  readonly ok: boolean;
  readonly origin: string;
  readonly checkpoint: Inspection['checkpoint'];
  readonly entries: number;
  readonly findings: readonly { readonly code: string; readonly where: string; readonly message: string }[];
}

export interface VerifyLogOptions {
  /** A file with a checkpoint that came by another way. */
  readonly checkpoint?: string;
  readonly onEntry?: (index: number) => void;
}

/**
 * Checks a whole log, offline, with its public key alone; holds it against the checkpoint that its writer marked, the one that was seen
 * here before, and a given one; and each entry against its producer's signature where the trust document is at hand. Remembers its checkpoint when nothing was found.
 */
export async function verifyLog(log: LogPlace, { checkpoint: given, onEntry }: VerifyLogOptions = {}): Promise<LogVerification> {
  const chains = new ProducerChains();
  const signatures = log.trust && new ProducerSignatures(roleTrust(log.trust));
  const known = await Promise.all([
    knownFrom(log.mark, log, 'the mark beside the log’s key'),
    knownFrom(log.seen, log, 'an earlier audit verify on this machine'),
    given === undefined ? undefined : givenCheckpoint(given, log),
  ]);
  const { checkpoint, entries, findings } = await inspectLog(log.files, log.key, {
    known: known.filter((each) => each !== undefined),
    onEntry(entry, index) {
      chains.read(entry, index);
      signatures?.read(entry, index);
      onEntry?.(index);
    },
  });
  // What a damaged log says about its producers follows from the damage.
  const all = findings.length > 0 ? findings : [...chains.findings, ...(signatures?.finish() ?? [])];
  const ok = all.length === 0;
  const seen = known[1]?.checkpoint;
  if (ok && checkpoint && !(seen && seen.size === checkpoint.size && sameHash(seen.root, checkpoint.root)))
    await keep(log.seen, checkpoint.note);
  return { ok, origin: log.key.name, checkpoint, entries, findings: all };
}

/** One that cannot be read is misuse: the log would else pass for one that begins with it. */
async function givenCheckpoint(file: string, log: LogPlace): Promise<KnownCheckpoint> {
  const misuse = (cause?: unknown) =>
    new Problem(
      `${file}: no checkpoint can be read there.`,
      'Name a file that holds a checkpoint of this log, as it was given.',
      {
        exitCode: 2,
        cause,
      },
    );
  const known = await knownFrom(file, log, file).catch((caught: unknown) => {
    throw caught instanceof LogFault && UNREADABLE.has(caught.code) ? misuse(caught) : caught;
  });
  if (!known) throw misuse();
  return known;
}

/** A memory that is not signed by the log's key is a LogFault: it was changed, or the key is the wrong one. */
async function knownFrom(file: string | undefined, { key }: LogPlace, from: string): Promise<KnownCheckpoint | undefined> {
  const bytes = file === undefined ? undefined : await readIfThere(file);
  return bytes && { checkpoint: openCheckpoint(bytes.toString('utf8'), key, file), from };
}
