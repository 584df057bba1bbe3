import type { AuditKind } from '@smartlite/contracts';
import type { Clock } from '../clock.ts';
import type { Trail } from '../platform.ts';
import { type Rate, rateLimit } from './ratelimit.ts';

/** How long repetitions are counted before an entry says how many there were. A killed process loses the counts of this long. */
const COUNTED_FOR_MS = 2_000;
/** Callers told apart among those that are counted; further ones share a count. */
const CALLERS_MAX = 64;
/** Stands for the callers beyond these. */
const FURTHER_CALLERS = 'further callers';

/** What is recorded of one operation; few different ones, none of a caller's making. */
export type OperationFacts = Readonly<Record<string, string>>;

interface Counted {
  readonly facts: OperationFacts;
  readonly actor: string;
  count: number;
  readonly fromUnixMs: number;
  toUnixMs: number;
}

/**
 * Records operations that callers can cause without end: each in an entry of its own as far as the rate goes, and beyond it by number, so
 * that who hammers cannot fill the trail and yet no operation is missing from it. A counting entry says of what and of whom, how many
 * (`count`), from when to when (`fromUnixMs`, `toUnixMs`).
 */
export class CountedRecord {
  readonly #parts: { readonly trail: Trail; readonly clock: Clock };
  readonly #kind: AuditKind;
  readonly #limit: () => { readonly allowed: boolean };
  readonly #counted = new Map<string, Counted>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { readonly trail: Trail; readonly clock: Clock }, kind: AuditKind, rate: Rate) {
    this.#parts = parts;
    this.#kind = kind;
    this.#limit = rateLimit(parts.clock, rate);
    parts.trail.atEnd?.(() => this.flush());
  }

  record(facts: OperationFacts, options: { readonly traceId: string; readonly actor: string }): void {
    if (this.#limit().allowed) this.#parts.trail.record(this.#kind, facts, options);
    else this.#count(facts, options.actor);
  }

  /** Writes what has been counted so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counted = [...this.#counted.values()];
    this.#counted.clear();
    for (const { facts, actor, ...numbers } of counted) this.#parts.trail.record(this.#kind, { ...facts, ...numbers }, { actor });
  }

  #count(facts: OperationFacts, caller: string): void {
    const nowMs = this.#parts.clock.nowMs();
    const own = JSON.stringify([facts, caller]);
    const actor = this.#counted.has(own) || this.#counted.size < CALLERS_MAX ? caller : FURTHER_CALLERS;
    const key = actor === caller ? own : JSON.stringify([facts, actor]);
    const counted = this.#counted.get(key) ?? { facts, actor, count: 0, fromUnixMs: nowMs, toUnixMs: nowMs };
    counted.count += 1;
    counted.toUnixMs = nowMs;
    this.#counted.set(key, counted);
    this.#timer ??= setTimeout(() => this.flush(), COUNTED_FOR_MS).unref();
  }
}
