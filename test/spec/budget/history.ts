import { isDeepStrictEqual } from 'node:util';
import { type ExtendResponse, MeshError, type ReserveResponse, type SettleResponse } from '@smartlite/contracts';
import { type Asked, commandOf, type Given, givenFor } from '../../../services/budget/src/commands.ts';
import type { Authored, Command } from '../../../services/budget/src/entry.ts';
import { believing, orderOf } from '../../../services/budget/src/fixtures/orders.ts';
import { Ledger, type LedgerDump } from '../../../services/budget/src/ledger.ts';
import type { Limit } from '../../../services/budget/src/limits.ts';
import type { Outcome } from '../../../services/budget/src/outcome.ts';
import type { LedgerLine } from '../../../services/gateway/src/engine.ts';
import { Meter } from '../../../services/gateway/src/turn/meter.ts';
import { Chance } from '../simulation/chance.ts';
import { LedgerOracle, type Rule } from './oracle.ts';

const START_MS = Date.UTC(2026, 0, 5, 23, 50);
const STEPS = 400;
const REPLICAS = 3;
const USERS = ['ada', 'bob'];
const DAY_MS = 86_400_000;
/** Longer than clocks are apart here. */
const ORDER_MS = 120_000;
const QUIET_MS = 3_600_000;

interface Replica {
  readonly name: string;
  ledger: Ledger;
  /** How many entries it has folded. */
  next: number;
  boot: number;
  counter: number;
  clockMs: number;
  pausedUntil: number;
}

/** A request of a gateway: it holds, covers and uses by the gateway's own meter. */
interface Holder {
  readonly user: string;
  readonly endsMs: number;
  /** Undefined until its reservation is granted. */
  meter: Meter | undefined;
  /** Something that it waits for is on its way. */
  busy: boolean;
  /** Nothing that its meter asks for is sent any more, and nothing leaves its gate. */
  dead: boolean;
}

/** A command whose entry is in the log: answered when that life of that replica folds it. */
interface Waiter {
  readonly replica: Replica;
  readonly boot: number;
  readonly position: number;
  readonly asked: Asked;
  readonly answer: (given: Given) => void;
  readonly fail: (caught: unknown) => void;
  /** The replica has ended before it answered. */
  readonly broken: () => void;
}

/** A gateway asks once more, under the same key, when the way to a replica breaks. */
const TRIES = 2;

export interface HistoryFacts {
  readonly granted: number;
  readonly refused: number;
  readonly emitted: number;
  readonly died: number;
}

/** One history of replicas, holders and a log that things go wrong with. Throws at the first predicate that does not hold. */
export function runHistory(seed: number): Promise<HistoryFacts> {
  return new History(new Chance(seed)).run();
}

class History {
  readonly #chance: Chance;
  readonly #log: { readonly entry: Authored; readonly streamMs: number }[] = [];
  readonly #late: Authored[] = [];
  readonly #outcomes: Outcome[] = [];
  readonly #rules: Rule[] = [
    { scope: 'user', window: 'minute', limit: 60 },
    { scope: 'fleet', window: 'day', limit: 400 },
  ];
  readonly #oracle = new LedgerOracle(this.#rules);
  readonly #limits: readonly Limit[];
  readonly #replicas: Replica[];
  #holders: Holder[] = [];
  #waiters: Waiter[] = [];
  /** A predicate that did not hold, in what was going on beside the steps. */
  #failure: { readonly caught: unknown } | undefined;
  #nowMs = START_MS;
  #serverMs = 0;
  #keys = 0;
  #died = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#limits = this.#rules.map((rule) => ({ ...rule, subject: '', unit: 'llm_tokens' }));
    this.#replicas = Array.from({ length: REPLICAS }, (_, index) => this.#fresh(`budget-${index}`, 1));
  }

  async run(): Promise<HistoryFacts> {
    this.#append(this.#some(this.#replicas), { kind: 'begin' });
    for (let step = 0; step < STEPS; step += 1) {
      this.#nowMs += this.#chance.is(0.02) ? this.#chance.below(40_000) : this.#chance.below(500);
      this.#step();
      if (this.#chance.is(0.05)) this.#arriveLate();
      this.#fold(this.#some(this.#replicas), 2 + this.#chance.below(12));
      await this.#settleDown();
    }
    while (this.#late.length > 0) this.#arriveLate();
    this.#quiet();
    const count = (kind: Outcome['kind']) => this.#outcomes.filter((outcome) => outcome.kind === kind).length;
    const emitted = [...this.#oracle.lines.values()].reduce((sum, line) => sum + line.emitted, 0);
    return { granted: count('granted'), refused: count('refused'), emitted, died: this.#died };
  }

  #step(): void {
    const roll = this.#chance.next();
    if (roll < 0.12) this.#arrive();
    else if (roll < 0.75) this.#act();
    else if (roll < 0.77) this.#die();
    else if (roll < 0.84) this.#restart(this.#some(this.#replicas));
    else if (roll < 0.87) this.#some(this.#replicas).pausedUntil = this.#nowMs + this.#chance.below(20_000);
    else if (roll < 0.9) this.#some(this.#replicas).clockMs = this.#chance.below(20_000) - 10_000;
    else if (roll < 0.92) this.#serverMs = this.#chance.is(0.5) ? 0 : Math.floor(this.#chance.between(-1, 1) * DAY_MS);
    else if (roll < 0.96) this.#replay();
    else this.#setLimit();
  }

  #arrive(): void {
    const lifeMs = 3_000 + this.#chance.below(20_000);
    const holder: Holder = {
      user: this.#some(USERS),
      endsMs: this.#nowMs + lifeMs,
      meter: undefined,
      busy: false,
      dead: false,
    };
    this.#holders.push(holder);
    const skewMs = this.#chance.below(20_000) - 10_000;
    const clock = { nowMs: () => this.#nowMs + skewMs, monotonicMs: () => this.#nowMs - START_MS };
    const request = { key: `k${(this.#keys += 1)}`, tenant: 'acme', user: holder.user, lifeMs, clock };
    const llmTokens = this.#chance.below(40);
    const opening = Meter.open(this.#lineOf(holder), request, { llmTokens }, { llmTokens: this.#chance.below(llmTokens + 1) });
    this.#watch(
      holder,
      opening.then((meter) => void (holder.meter = meter)),
    );
  }

  /** A holder uses what it may, a few tokens at a time; now and then it makes sure of more; and settles in the end. */
  #act(): void {
    const holder = this.#some(this.#holders);
    const meter = holder?.meter;
    if (!holder || !meter || holder.busy) return;
    if (this.#chance.is(0.1) || this.#nowMs > holder.endsMs + 1_000) return this.#settle(holder, meter);
    if (this.#chance.is(0.2)) return this.#watch(holder, meter.hold('llmTokens', this.#chance.below(20), this.#chance.below(5)));
    const tokens = 1 + this.#chance.below(10);
    this.#watch(
      holder,
      meter.spend('llmTokens', tokens).then(() => {
        if (!holder.dead) this.#oracle.emit(meter.reservation, tokens);
      }),
    );
  }

  #settle(holder: Holder, meter: Meter): void {
    this.#holders = this.#holders.filter((each) => each !== holder);
    // What the books do not hear of is closed at what was covered.
    meter.settle().catch(() => undefined);
  }

  /** Refused, unanswered or over its time, a holder settles what it has used. Anything else is a predicate that does not hold. */
  #watch(holder: Holder, step: Promise<void>): void {
    holder.busy = true;
    step
      .catch((caught: unknown) => {
        if (!(caught instanceof MeshError)) return void (this.#failure ??= { caught });
        if (holder.meter && !holder.dead) this.#settle(holder, holder.meter);
        this.#holders = this.#holders.filter((each) => each !== holder);
      })
      .finally(() => (holder.busy = false));
  }

  /** Lets everything that is answered go on as far as it can. */
  async #settleDown(): Promise<void> {
    this.#answerWaiters();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure) throw this.#failure.caught;
  }

  #lineOf(holder: Holder): LedgerLine {
    const ask = (asked: Asked) => (holder.dead ? new Promise<Given>(() => {}) : this.#ask(asked, TRIES));
    return {
      reserve: async (value) => (await ask({ $case: 'reserve', value })).value as ReserveResponse,
      extend: async (value) => (await ask({ $case: 'extend', value })).value as ExtendResponse,
      settle: async (value) => (await ask({ $case: 'settle', value })).value as SettleResponse,
    };
  }

  /** A command on its way through a replica into the log, by the functions of the service. */
  #ask(asked: Asked, tries: number): Promise<Given> {
    const replica = this.#some(this.#replicas);
    const silent = () => Promise.reject(new MeshError('budget-unavailable', 'nobody answers'));
    const broken = () => (tries > 1 ? this.#ask(asked, tries - 1) : silent());
    if (this.#chance.is(0.08)) return broken(); // Not applied.
    if (this.#chance.is(0.05)) {
      this.#late.push(this.#entry(replica, commandOf(asked))); // On its way for long; nobody hears of it.
      return silent();
    }
    const position = this.#append(replica, commandOf(asked));
    if (this.#chance.is(0.08)) return broken(); // Applied, but nobody hears of it.
    return new Promise((answer, fail) => {
      const { boot } = replica;
      this.#waiters.push({ replica, boot, position, asked, answer, fail, broken: () => void broken().then(answer, fail) });
    });
  }

  #answerWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      const { replica, boot, position, asked, answer, fail, broken } = waiter;
      const outcome = replica.next > position ? this.#outcomes[position] : undefined;
      if (replica.boot !== boot) broken();
      else if (!outcome) this.#waiters.push(waiter);
      else
        try {
          answer(givenFor(asked, outcome));
        } catch (caught) {
          fail(caught);
        }
    }
  }

  #append(replica: Replica, command: Command): number {
    return this.#land(this.#entry(replica, command));
  }

  #entry(replica: Replica, command: Command): Authored {
    replica.counter += 1;
    const { name, boot, counter, clockMs } = replica;
    return { incarnation: 'one', replica: name, boot, counter, atMs: this.#nowMs + clockMs, command };
  }

  #land(entry: Authored): number {
    return this.#log.push({ entry, streamMs: this.#nowMs + this.#serverMs }) - 1;
  }

  /** What was on its way for long arrives, in any order, and maybe after its author's next life has begun. */
  #arriveLate(): void {
    const [entry] = this.#late.splice(this.#chance.below(this.#late.length), 1);
    if (entry) this.#land(entry);
  }

  #fold(replica: Replica, count: number): void {
    if (replica.pausedUntil > this.#nowMs) return;
    for (let left = count; left > 0 && replica.next < this.#log.length; left -= 1) {
      const position = replica.next;
      const placed = this.#log[position];
      if (!placed) return;
      const outcome = replica.ledger.apply(placed.entry, position + 1, placed.streamMs);
      replica.next += 1;
      const known = this.#outcomes[position];
      if (known && !isDeepStrictEqual(known, outcome)) throw new Error(`two replicas differ at ${position}`);
      if (known) continue;
      this.#outcomes[position] = outcome;
      this.#oracle.take(placed.entry, outcome, placed.streamMs);
      this.#compare(replica.ledger);
    }
  }

  /** The fold's sums are those of the re-addition. */
  #compare(ledger: Ledger): void {
    for (const user of USERS)
      for (const { scope, window, charged, reserved } of ledger.usage({ tenant: 'acme', user }, 0)) {
        const rule = this.#rules.find((each) => each.scope === scope && each.window === window);
        if (!rule) continue;
        const [least, most] = this.#oracle.out(rule, { user, atMs: this.#oracle.timeMs });
        const out = charged + reserved;
        if (out < least || out > most) throw new Error(`re-addition: ${scope}/${window} is ${out}, added up ${least} to ${most}`);
      }
  }

  #die(): void {
    const holder = this.#some(this.#holders);
    if (!holder) return;
    this.#died += 1;
    holder.dead = true;
    this.#holders = this.#holders.filter((each) => each !== holder);
  }

  #restart(replica: Replica): void {
    Object.assign(replica, this.#fresh(replica.name, replica.boot + 1), this.#chance.is(0.5) && this.#fromSnapshot());
    // An entry of the life before may still come.
    if (this.#chance.is(0.3)) this.#append({ ...replica, boot: replica.boot - 1, counter: 10_000 }, { kind: 'tick' });
  }

  /** Where another replica stands, as a snapshot tells it. */
  #fromSnapshot(): Pick<Replica, 'ledger' | 'next'> | undefined {
    const { ledger, next } = this.#some(this.#replicas);
    const dump = ledger.dump();
    return dump && { ledger: new Ledger(believing, [], JSON.parse(JSON.stringify(dump)) as LedgerDump), next };
  }

  #replay(): void {
    const old = this.#some(this.#log);
    if (old) this.#log.push({ entry: old.entry, streamMs: this.#nowMs + this.#serverMs });
  }

  #setLimit(): void {
    const limit = this.#some(this.#limits);
    const wanted = { ...limit, limit: Math.floor(limit.limit * this.#chance.between(0.3, 1.3)) };
    const order = orderOf(wanted, `o${(this.#keys += 1)}`, { notAfterMs: this.#nowMs + ORDER_MS });
    // Whoever has seen an order can bring it again.
    for (let times = 1 + this.#chance.below(2); times > 0; times -= 1)
      this.#append(this.#some(this.#replicas), { kind: 'set-limit', order });
  }

  /** Long after the last word of any holder nothing is held, and the charges are those of the re-addition. */
  #quiet(): void {
    this.#nowMs += QUIET_MS;
    this.#serverMs = 0;
    for (const replica of this.#replicas) replica.clockMs = 0;
    // Enough of its own time for a ledger that a stepped clock had run ahead.
    this.#append(this.#some(this.#replicas), { kind: 'tick' });
    for (const replica of this.#replicas) {
      replica.pausedUntil = 0;
      this.#fold(replica, this.#log.length);
      if (replica.ledger.nextExpiryMs() !== undefined) throw new Error('noLeak: something is still held');
      for (const { reserved } of replica.ledger.usage({ tenant: 'acme', user: 'ada' }, 0))
        if (reserved > 0) throw new Error('noLeak: something is reserved');
    }
  }

  #fresh(name: string, boot: number): Replica {
    return { name, ledger: new Ledger(believing, this.#limits), next: 0, boot, counter: 0, clockMs: 0, pausedUntil: 0 };
  }

  #some<T>(items: readonly T[]): T {
    return items[this.#chance.below(items.length)] as T;
  }
}
