import type { Clock, Ids } from '@smartlite/chassis';
import type { AuditEntry } from '@smartlite/contracts';
import type { SignedCheckpoint } from '@smartlite/tlog';
import type { RoleTrust } from '@smartlite/trust';
import type { Delivery, Head, Index, Line, Receipts, VerificationLog } from './engine.ts';
import { digestOf, LOG_PRODUCER, parseEntry } from './entry.ts';
import { Producers } from './producers.ts';
import { type Remark, Sequencer, type Step } from './sequencer.ts';
import type { TreeLog } from './treelog.ts';

const SALT_BYTES = 16;
/** Entries read back at once while the index catches up. */
const CATCH_UP_BATCH = 4_096;

export interface WriterParts {
  readonly log: TreeLog;
  /** Whose instances may write. */
  readonly trust: RoleTrust;
  readonly index: Index;
  readonly receipts: Receipts;
  readonly view: VerificationLog;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Throws when this process may not write the log any more: nobody is then told of what it has written. */
  readonly mayWrite?: () => void;
  readonly onRemark: (remark: Remark) => void;
  /** Told of a producer's entry that says that this log contradicts what it has acknowledged. */
  readonly onComplaint?: (entry: AuditEntry) => void;
}

/**
 * Takes deliveries into the log: log on the disk, then index, view, receipts, and only then the bus forgets them. A crash between any
 * two is healed by `open`, which is also how the first start goes, and by the bus that brings everything unforgotten again.
 */
export class Writer {
  readonly #parts: WriterParts;
  #sequencer: Sequencer | undefined;
  /** The log's own newest entry. */
  #own: Pick<Head, 'counter' | 'digest'> | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** Opens the log, and brings index and view up to it. `elsewhere`: a checkpoint that it must extend. Throws what the log throws. */
  async open(elsewhere?: SignedCheckpoint): Promise<void> {
    const { log, index, trust } = this.#parts;
    await log.open(elsewhere);
    await this.#catchUp();
    const heads = index.heads();
    this.#own = heads.find(({ producer }) => producer === LOG_PRODUCER);
    const producers = new Producers({ trust, certificateOf: (...boot) => index.certificateOf(...boot) });
    this.#sequencer = new Sequencer(heads, (id) => index.find(id)?.digest, producers);
  }

  /** Logs what can be logged now. After a rejection, open again: deliveries that are not done come back. */
  async take(deliveries: readonly Delivery[]): Promise<void> {
    const sequencer = this.#sequencer;
    if (!sequencer) throw new Error('the writer is not open');
    try {
      await this.#log(sequencer.take(deliveries, this.#parts.clock.monotonicMs()));
    } catch (caught) {
      this.#sequencer = undefined;
      for (const delivery of [...deliveries, ...sequencer.held]) delivery.again();
      throw caught;
    }
  }

  async #log(steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    const { log, index, view, receipts, mayWrite, onRemark, onComplaint } = this.#parts;
    const lines = this.#linesOf(steps);
    const first = log.checkpoint.size;
    if (lines.length > 0) {
      const { root } = await log.append(lines.map(({ bytes }) => bytes));
      index.add(lines, Buffer.from(root).toString('hex'));
      view.add(lines.map((line, at) => ({ ...line, position: first + at })));
    }
    mayWrite?.();
    receipts.send(
      steps.flatMap((step) => {
        if (step.kind === 'remark') return [];
        const { id, producer } = step.line.entry;
        const found = index.find(id);
        return found ? [{ producer, id, index: found.position, digest: found.digest }] : [];
      }),
    );
    for (const step of steps) {
      step.delivery?.done();
      if (step.kind === 'remark') onRemark(step.remark);
      if (step.kind === 'append' && step.line.entry.kind === 'log.contradicted') onComplaint?.(step.line.entry);
    }
  }

  #linesOf(steps: readonly Step[]): readonly Line[] {
    let own = this.#own;
    const lines = steps.flatMap((step) => {
      if (step.kind === 'repeat') return [];
      if (step.kind === 'append') return [step.line];
      const line = this.#remarkLine(step.remark, (own?.counter ?? 0) + 1, own?.digest ?? null);
      own = { counter: line.entry.counter, digest: digestOf(line.bytes) };
      return [line];
    });
    this.#own = own;
    return lines;
  }

  /** The log's own producer never restarts: its counter goes on from what the log holds. */
  #remarkLine({ kind, facts }: Remark, counter: number, previous: string | null): Line {
    const { clock, ids } = this.#parts;
    const entry: AuditEntry = {
      id: `${LOG_PRODUCER}.log.${counter}`,
      producer: LOG_PRODUCER,
      service: 'audit',
      boot: 'log',
      counter,
      atUnixMs: clock.nowMs(),
      kind,
      actor: 'audit',
      traceId: null,
      salt: Buffer.from(ids.bytes(SALT_BYTES)).toString('hex'),
      previous,
      facts,
    };
    return { entry, bytes: Buffer.from(JSON.stringify(entry)) };
  }

  async #catchUp(): Promise<void> {
    const { log, index, view } = this.#parts;
    const root = Buffer.from(log.checkpoint.root).toString('hex');
    // An index of another history, for example beside a log that was put back from a backup, must not decide what is a repeat.
    const { covers } = index;
    if (covers.size > log.checkpoint.size || covers.root !== (await log.rootAt(covers.size))) index.forgetAll();
    for (let batch = await this.#readLines(index.covers.size); batch.length > 0; batch = await this.#readLines(index.covers.size))
      index.add(batch, index.covers.size + batch.length === log.checkpoint.size ? root : '');
    for await (const { position, bytes } of log.read(view.last + 1)) {
      const entry = lineOf(bytes).entry;
      view.add([{ entry, bytes, position }]);
    }
  }

  async #readLines(from: number): Promise<readonly Line[]> {
    const lines: Line[] = [];
    for await (const { bytes } of this.#parts.log.read(from)) {
      lines.push(lineOf(bytes));
      if (lines.length === CATCH_UP_BATCH) break;
    }
    return lines;
  }
}

/** An entry that is in the log was parsed when it went in. */
function lineOf(bytes: Uint8Array): Line {
  const { service } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { service: string };
  const entry = parseEntry(bytes, service);
  if (typeof entry === 'string') throw new Error(`an entry of the log cannot be read: ${entry}`);
  return { entry, bytes };
}
