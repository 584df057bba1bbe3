import { afterPatience, apartFromRequest, outgoingTraceparent, type Peers } from '@smartlite/chassis';
import {
  type AccountRequest,
  type AccountResponse,
  codeOfReason,
  type ExtendRequest,
  type ExtendResponse,
  MeshError,
  type ReserveRequest,
  type ReserveResponse,
  type SettleRequest,
  type SettleResponse,
} from '@smartlite/contracts';
import type { LedgerLine } from './engine.ts';

/** A command that is not answered by then is reported as unavailable: nothing is ever assumed to be free. */
const ANSWER_MS_MAX = 5_000;
/** Commands waiting for the stream. */
const QUEUE_MAX = 2_048;
/** Of a message: well below what gRPC takes at once. */
const BATCH_MAX = 256;

type Command = NonNullable<AccountRequest['command']>;
type Result = NonNullable<AccountResponse['result']>;
interface Waiter {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: MeshError) => void;
}

/** The way to the budget: one long-lived stream that carries every command of this gateway under its own number. */
export class StreamedLedgerLine implements LedgerLine {
  readonly #budget: Pick<Peers['budget'], 'account'>;
  readonly #closing = new AbortController();
  readonly #waiting = new Map<bigint, Waiter>();
  /** Failures of the stream, not of a command. */
  readonly #broken = new WeakSet<MeshError>();
  #queue: AccountRequest[] = [];
  #wake: () => void = () => undefined;
  #open = false;
  #next = 0n;

  constructor(budget: Pick<Peers['budget'], 'account'>) {
    this.#budget = budget;
  }

  /** Ends the stream. Turns that are under way when the service stops must still settle, so this comes last. */
  close(): void {
    this.#closing.abort(new MeshError('budget-unavailable', 'the gateway stops'));
  }

  async reserve(value: ReserveRequest): Promise<ReserveResponse> {
    return expectCase(await this.#insist({ $case: 'reserve', value }), 'reserve');
  }

  async extend(value: ExtendRequest): Promise<ExtendResponse> {
    return expectCase(await this.#insist({ $case: 'extend', value }), 'extend');
  }

  async settle(value: SettleRequest): Promise<SettleResponse> {
    return expectCase(await this.#insist({ $case: 'settle', value }), 'settle');
  }

  /**
   * Each command has a key of its own, so after a broken stream the same again on a fresh one is harmless, and finds the first one's
   * answer if it was written. So is the same again of a turn that is under way, whose ledger is late: without it its caller would lose what
   * he is being told. A new turn is refused instead, and a reservation that is only late is given back when its answer comes.
   */
  async #insist(command: Command): Promise<Result> {
    try {
      return await this.#command(command);
    } catch (caught) {
      const error = MeshError.from(caught);
      const isLate = command.$case !== 'reserve' && error.code === 'budget-unavailable';
      if (!(isLate || this.#broken.has(error)) || this.#closing.signal.aborted) throw caught;
      return this.#command(command);
    }
  }

  async #command(command: Command): Promise<Result> {
    if (this.#queue.length >= QUEUE_MAX)
      throw new MeshError('budget-unavailable', 'too many commands wait for the budget', { retryAfterMs: 1_000 });
    const id = (this.#next += 1n);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const stopWaiting = afterPatience(ANSWER_MS_MAX, () =>
      this.#drop(id, new MeshError('budget-unavailable', 'the budget did not answer in time', { retryAfterMs: 1_000 })),
    );
    this.#waiting.set(id, { resolve, reject });
    this.#queue.push({ id, command, traceparent: outgoingTraceparent() });
    if (!this.#open) apartFromRequest(() => void this.#converse());
    this.#wake();
    return promise.finally(stopWaiting);
  }

  /** Lives as long as the stream does; the next command after it opens another. */
  async #converse(): Promise<void> {
    this.#open = true;
    const ended = new AbortController();
    try {
      const signal = AbortSignal.any([this.#closing.signal, ended.signal]);
      for await (const { id, result } of this.#budget.account(this.#requests(signal), { signal }))
        for (const each of result?.$case === 'batch' ? result.value.results : [{ id, result }])
          if (each.result) this.#answer(each.id, each.result);
      throw new MeshError('budget-unavailable', 'the budget ended the stream');
    } catch (caught) {
      const cause = MeshError.from(caught);
      const error = new MeshError('budget-unavailable', 'the budget cannot be asked now', { cause, retryAfterMs: 500 });
      this.#broken.add(error);
      for (const id of this.#waiting.keys()) this.#drop(id, error);
    } finally {
      ended.abort();
      this.#queue = [];
      this.#open = false;
    }
  }

  async *#requests(signal: AbortSignal): AsyncIterable<AccountRequest> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      // A message leaves in one turn of the event loop, which is long where much is done: what came meanwhile shares the next.
      const [first, ...more] = this.#queue.splice(0, BATCH_MAX);
      if (first) {
        yield more.length === 0 ? first : batchOf([first, ...more]);
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      if (!signal.aborted) await promise;
    }
  }

  #answer(id: bigint, result: Result): void {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!waiter) return this.#giveBack(result);
    if (result.$case !== 'failure') return waiter.resolve(result);
    const { code, message, retryAfterMs } = result.value;
    const retry = retryAfterMs > 0 ? { retryAfterMs } : {};
    waiter.reject(new MeshError(codeOfReason(code.toUpperCase().replaceAll('-', '_')) ?? 'budget-unavailable', message, retry));
  }

  /** A grant that comes too late for whoever asked would be held until its life ends. */
  #giveBack(result: Result): void {
    if (result.$case !== 'reserve' || result.value.outcome?.$case !== 'granted') return;
    const { id: reservationId } = result.value.outcome.value;
    this.#command({ $case: 'release', value: { reservationId } }).catch(() => undefined);
  }

  #drop(id: bigint, error: MeshError): void {
    this.#waiting.get(id)?.reject(error);
    this.#waiting.delete(id);
  }
}

function batchOf(commands: AccountRequest[]): AccountRequest {
  return { id: 0n, command: { $case: 'batch', value: { commands } }, traceparent: '' };
}

type Results = { [R in Result as R['$case']]: R['value'] };

function expectCase<C extends Result['$case']>(result: Result, $case: C): Results[C] {
  if (result.$case === $case) return result.value as Results[C];
  throw new MeshError('internal', 'the budget answered another command than was sent');
}
