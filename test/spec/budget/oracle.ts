import type { Authored } from '../../../services/budget/src/entry.ts';
import type { Outcome } from '../../../services/budget/src/outcome.ts';

// An independent re-addition of the ledger: no sums are kept, every question is answered from the whole history. It shares with the
// fold the format of the entries, and nothing else.

const LENGTH_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
/** A stream timestamp counts up to this much ahead of its author's clock. */
const AHEAD_MS = 5_000;
/** When an ended reservation is closed: not before the one, not after the other. */
const CLOSED_AFTER_MS = 7_000;
const CLOSED_BY_MS = CLOSED_AFTER_MS + 1_000;

export interface Rule {
  readonly scope: 'fleet' | 'user';
  readonly window: keyof typeof LENGTH_MS;
  limit: number;
}

interface Line {
  readonly id: string;
  readonly user: string;
  readonly admittedMs: number;
  readonly endsMs: number;
  held: number;
  covered: number;
  settled: number | undefined;
  emitted: number;
}

export interface Place {
  readonly user: string;
  readonly atMs: number;
}

/** What is granted, covered, settled and really emitted, as lines; `tokens` alone are limited in these histories. */
export class LedgerOracle {
  readonly lines = new Map<string, Line>();
  readonly rules: readonly Rule[];
  /** The highest limit that was in force in a window, by rule and window number. */
  readonly #highest = new Map<string, number>();
  readonly #orders = new Set<string>();
  timeMs = 0;

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
  }

  /** Takes an entry with the outcome that all replicas gave; throws where a predicate does not hold. */
  take({ atMs, command }: Authored, outcome: Outcome, streamMs: number): void {
    if (outcome.kind === 'rejected' && (outcome.reason === 'replayed' || outcome.reason === 'older-boot'))
      return this.#pass(atMs, streamMs);
    this.#pass(atMs, streamMs);
    if (outcome.kind === 'limit-set') this.#setLimit(outcome);
    if (command.kind === 'reserve') this.#reserve(command, outcome);
    if (command.kind === 'extend') this.#extend(command, outcome);
    if (command.kind === 'settle' || command.kind === 'release') {
      const spent = command.kind === 'settle' ? (command.spent.llm_tokens ?? 0) : 0;
      this.#settle(command.reservation, spent, outcome);
    }
  }

  #setLimit({ limit, order }: Extract<Outcome, { kind: 'limit-set' }>): void {
    if (this.#orders.has(order)) throw new Error(`once: the order ${order} is carried out twice`);
    this.#orders.add(order);
    const rule = this.rules.find(({ scope, window }) => scope === limit.scope && window === limit.window);
    if (rule) rule.limit = limit.limit;
    this.#noteLimits();
  }

  /** Tokens leave a holder's gate. */
  emit(id: string, tokens: number): void {
    const line = this.lines.get(id);
    if (!line) throw new Error(`holder: ${id} emits and was never granted`);
    line.emitted += tokens;
    if (line.emitted > line.covered) throw new Error(`holder: ${id} has emitted ${line.emitted}, covered are ${line.covered}`);
    this.#capTrue(line);
  }

  /** Charged and reserved in the window of `atMs`: at least, at most. */
  out(rule: Rule, { user, atMs }: Place): readonly [number, number] {
    const lines = [...this.lines.values()].filter((line) => belongs(line, rule, { user, atMs }));
    const sum = (closedMs: number) =>
      lines.reduce(
        (total, line) => total + (line.settled ?? (this.timeMs > line.endsMs + closedMs ? line.covered : line.held)),
        0,
      );
    return [sum(CLOSED_AFTER_MS), sum(CLOSED_BY_MS)];
  }

  #pass(atMs: number, streamMs: number): void {
    this.timeMs = Math.max(this.timeMs, Math.min(streamMs, atMs + AHEAD_MS));
    this.#noteLimits();
  }

  #noteLimits(): void {
    for (const rule of this.rules) {
      const key = this.#windowOf(rule, this.timeMs);
      this.#highest.set(key, Math.max(this.#highest.get(key) ?? 0, rule.limit));
    }
  }

  #windowOf({ scope, window }: Rule, atMs: number): string {
    return `${scope}/${window}/${Math.floor(atMs / LENGTH_MS[window])}`;
  }

  #reserve({ user, amounts, covered }: Extract<Authored['command'], { kind: 'reserve' }>, outcome: Outcome): void {
    const asked = amounts.llm_tokens ?? 0;
    if (outcome.kind === 'refused') return this.#exactRefusal(asked, outcome.limit, { user, atMs: this.timeMs });
    if (outcome.kind !== 'granted' || this.lines.has(outcome.reservation)) return;
    const { reservation: id, notAfterMs } = outcome;
    this.lines.set(id, {
      id,
      user,
      admittedMs: this.timeMs,
      endsMs: notAfterMs,
      held: asked,
      covered: Math.min(asked, covered?.llm_tokens ?? 0),
      settled: undefined,
      emitted: 0,
    });
    if (asked > 0) this.#cap({ user, atMs: this.timeMs });
  }

  #extend(command: Extract<Authored['command'], { kind: 'extend' }>, outcome: Outcome): void {
    const line = this.lines.get(command.reservation);
    if (!line || outcome.kind === 'rejected') return;
    if (outcome.kind === 'granted') {
      const rose = (outcome.amounts.llm_tokens ?? 0) > line.held;
      line.held = outcome.amounts.llm_tokens ?? 0;
      if (rose) this.#cap({ user: line.user, atMs: line.admittedMs });
    } else if (outcome.kind === 'refused')
      this.#exactRefusal(command.more.llm_tokens ?? 0, outcome.limit, { user: line.user, atMs: line.admittedMs });
    line.covered = Math.min(line.held, Math.max(line.covered, command.spent.llm_tokens ?? 0));
  }

  #settle(id: string, spent: number, outcome: Outcome): void {
    const line = this.lines.get(id);
    if (!line || outcome.kind !== 'settled') return;
    const charged = outcome.charged.llm_tokens ?? 0;
    const freed = outcome.freed.llm_tokens ?? 0;
    if (charged + freed !== line.held) throw new Error(`conserve: ${id} held ${line.held}; charged ${charged}, freed ${freed}`);
    if (line.settled !== undefined && line.settled !== charged) throw new Error(`once: ${id} is settled twice, differently`);
    const late = this.timeMs > line.endsMs + CLOSED_AFTER_MS && charged === line.covered;
    if (line.settled === undefined && !late && charged !== Math.min(spent, line.held))
      throw new Error(`conserve: ${id} spent ${spent}, charged ${charged}`);
    line.settled = charged;
    this.#capTrue(line);
  }

  /** Whatever is granted fits under every limit in force there. What asks for nothing may be granted over a lowered limit. */
  #cap(place: Place): void {
    for (const rule of this.rules) {
      const [out] = this.out(rule, place);
      if (out > rule.limit) throw new Error(`cap: ${rule.scope}/${rule.window} holds ${out} of ${rule.limit}`);
    }
  }

  #exactRefusal(asked: number, named: string, place: Place): void {
    const broken = this.rules.filter((rule) => this.out(rule, place)[1] + asked > rule.limit);
    if (!broken.some(({ scope, window }) => named === `${scope}/llm_tokens/${window}`))
      throw new Error(`exactRefusal: ${asked} were refused by ${named}, which had room`);
  }

  /** What left the gates of one window, dead holders' included. */
  #capTrue(line: Line): void {
    for (const rule of this.rules) {
      const place = { user: line.user, atMs: line.admittedMs };
      const emitted = [...this.lines.values()]
        .filter((each) => belongs(each, rule, place))
        .reduce((sum, each) => sum + each.emitted, 0);
      const highest = this.#highest.get(this.#windowOf(rule, line.admittedMs)) ?? 0;
      if (emitted > highest) throw new Error(`capTrue: ${rule.scope}/${rule.window} emitted ${emitted} of ${highest}`);
    }
  }
}

function belongs(line: Line, { scope, window }: Rule, { user, atMs }: Place): boolean {
  const number = (ms: number) => Math.floor(ms / LENGTH_MS[window]);
  return number(line.admittedMs) === number(atMs) && (scope === 'fleet' || line.user === user);
}
