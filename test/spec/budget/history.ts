import { isDeepStrictEqual } from 'node:util';
import type { Authored, Command } from '../../../services/budget/src/entry.ts';
import { believing, orderOf } from '../../../services/budget/src/fixtures/orders.ts';
import { Ledger, type LedgerDump } from '../../../services/budget/src/ledger.ts';
import type { Limit } from '../../../services/budget/src/limits.ts';
import type { Outcome } from '../../../services/budget/src/outcome.ts';
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

interface Holder {
  readonly key: string;
  readonly user: string;
  readonly asked: number;
  readonly endsMs: number;
  id: string | undefined;
  covered: number;
  emitted: number;
  extensions: number;
  /** Its entry, which is answered when that replica folds it. */
  waits: { readonly replica: Replica; readonly boot: number; readonly position: number; readonly cover: number } | undefined;
}

export interface HistoryFacts {
  readonly granted: number;
  readonly refused: number;
  readonly emitted: number;
  readonly died: number;
}

/** One history of replicas, holders and a log that things go wrong with. Throws at the first predicate that does not hold. */
export function runHistory(seed: number): HistoryFacts {
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
  #nowMs = START_MS;
  #serverMs = 0;
  #keys = 0;
  #died = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#limits = this.#rules.map((rule) => ({ ...rule, subject: '', unit: 'llm_tokens' }));
    this.#replicas = Array.from({ length: REPLICAS }, (_, index) => this.#fresh(`budget-${index}`, 1));
  }

  run(): HistoryFacts {
    this.#append(this.#some(this.#replicas), { kind: 'begin' });
    for (let step = 0; step < STEPS; step += 1) {
      this.#nowMs += this.#chance.is(0.02) ? this.#chance.below(40_000) : this.#chance.below(500);
      this.#step();
      if (this.#chance.is(0.05)) this.#arriveLate();
      this.#fold(this.#some(this.#replicas), 2 + this.#chance.below(12));
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
    const endsMs = this.#nowMs + 3_000 + this.#chance.below(20_000);
    const facts = { key: `k${(this.#keys += 1)}`, user: this.#some(USERS), asked: this.#chance.below(40), endsMs };
    const holder: Holder = { ...facts, id: undefined, covered: 0, emitted: 0, extensions: 0, waits: undefined };
    this.#holders.push(holder);
    this.#ask(holder);
  }

  #ask(holder: Holder): void {
    const { key, user, asked, endsMs } = holder;
    const lifeMs = Math.max(0, endsMs - this.#nowMs);
    this.#send(holder, { kind: 'reserve', key, tenant: 'acme', user, amounts: { llm_tokens: asked }, lifeMs }, 0);
  }

  /** A holder covers, then emits what is covered, and settles what it emitted. */
  #act(): void {
    const holder = this.#some(this.#holders);
    if (!holder || this.#answer(holder)) return;
    if (holder.id === undefined) return this.#ask(holder);
    if (this.#chance.is(0.1) || this.#nowMs > holder.endsMs) return this.#settle(holder, holder.id);
    const tokens = Math.min(1 + this.#chance.below(10), holder.covered - holder.emitted);
    if (tokens > 0) {
      this.#oracle.emit(holder.id, tokens);
      holder.emitted += tokens;
      return;
    }
    const more = this.#chance.below(12);
    const cover = holder.covered + 1 + this.#chance.below(15);
    const key = `x${(holder.extensions += 1)}`;
    this.#send(
      holder,
      { kind: 'extend', reservation: holder.id, key, more: { llm_tokens: more }, spent: { llm_tokens: cover } },
      cover,
    );
  }

  #settle(holder: Holder, id: string): void {
    const command: Command = { kind: 'settle', reservation: id, spent: { llm_tokens: holder.emitted } };
    for (let times = 1 + this.#chance.below(2); times > 0; times -= 1) this.#append(this.#some(this.#replicas), command);
    this.#holders = this.#holders.filter((each) => each !== holder);
  }

  /** True while it waits. A replica that ended takes the answer with it: then the holder asks again under the same key. */
  #answer(holder: Holder): boolean {
    if (!holder.waits) return false;
    const { replica, boot, position, cover } = holder.waits;
    const outcome = this.#outcomes[position];
    if (replica.boot === boot && (replica.next <= position || !outcome)) return true;
    holder.waits = undefined;
    if (replica.boot !== boot) return false;
    if (outcome?.kind === 'granted') {
      holder.id = outcome.reservation;
      holder.covered = Math.min(outcome.amounts.llm_tokens ?? 0, Math.max(holder.covered, cover));
    } else if (holder.id === undefined || outcome?.kind === 'rejected')
      this.#holders = this.#holders.filter((each) => each !== holder);
    return false;
  }

  #send(holder: Holder, command: Command, cover: number): void {
    const replica = this.#some(this.#replicas);
    if (this.#chance.is(0.08)) return; // Not applied.
    if (this.#chance.is(0.05)) return void this.#late.push(this.#entry(replica, command)); // On its way for long; nobody hears of it.
    const position = this.#append(replica, command);
    if (this.#chance.is(0.08)) return; // Applied, but nobody hears of it.
    holder.waits = { replica, boot: replica.boot, position, cover };
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
