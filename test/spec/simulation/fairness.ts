import { type FailureFact, permits } from '@smartlite/trust';
import type { SimulatedGuard } from './guard.ts';
import type { Oracle } from './oracle.ts';
import type { RaisedAlarm, World } from './world.ts';

/** Checks of the fleet that one rogue host may cause a day; a history is shorter than that. */
const CHECKS_A_DAY_MAX = 2;
/** Exits to normal of one subject within an hour that need no operator. */
const EXITS_AN_HOUR_MAX = 3;

type Subject = string;

/** Judges what only a whole history shows: that no alarm is lost, none costs more than its price, and nobody flaps. */
export class Fairness {
  readonly #world: World;
  readonly #oracle: Oracle;
  /** Subjects that each guard has been kept in safe mode by, since its last permissive status. */
  readonly #safeBy = new Map<SimulatedGuard, Map<Subject, FailureFact[]>>();
  readonly #exits = new Map<SimulatedGuard, Map<Subject, number>>();

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
  }

  /** After a status came into force at a guard. */
  applied(guard: SimulatedGuard, status: Parameters<typeof permits>[0]): void {
    const safeBy = this.#safeBy.get(guard) ?? new Map<Subject, FailureFact[]>();
    if (!permits(status)) {
      for (const fact of status.failures) {
        const subject = `${fact.store}/${fact.artifact}`;
        if (fact.effect !== 'tolerated') safeBy.set(subject, [...(safeBy.get(subject) ?? []), fact]);
      }
      return void this.#safeBy.set(guard, safeBy);
    }
    this.#safeBy.delete(guard);
    for (const [subject, facts] of safeBy) if (!facts.some((fact) => this.#isReleased(fact))) this.#exit(guard, subject);
  }

  /** At the end, when all has been quiet for long enough. */
  atEnd(): void {
    this.#alarmHeard();
    this.#alarmPriced();
  }

  #exit(guard: SimulatedGuard, subject: Subject): void {
    const exits = this.#exits.get(guard) ?? new Map<Subject, number>();
    this.#exits.set(guard, exits);
    const count = (exits.get(subject) ?? 0) + 1;
    exits.set(subject, count);
    if (count > EXITS_AN_HOUR_MAX)
      throw new Error(`calm: ${guard.host.name} leaves safe mode for the ${count}th time within an hour after ${subject}`);
  }

  #isReleased({ id }: FailureFact): boolean {
    return this.#world.log.entries.some(
      ({ message }) =>
        message.kind === 'order' && message.signed.order.action === 'release' && message.signed.order.failures.includes(id),
    );
  }

  /** What somebody who is still alive has seen lies in the log; so does what a leader has told of its own disk, whoever has died since. */
  #alarmHeard(): void {
    for (const [id, alarm] of this.#world.alarmed)
      if (!alarm.forgotten && this.#oracle.positionOf(id) === undefined)
        throw new Error(`alarmHeard: alarm ${id.slice(0, 8)} of ${alarm.keyId} is not in the log`);
    for (const id of this.#world.told)
      if (this.#oracle.positionOf(id) === undefined)
        throw new Error(`alarmHeard: failure ${id.slice(0, 8)} was told to the fleet and is not in the log`);
  }

  /** Empty alarms of one author, however many: those between two releases are one check. */
  #alarmPriced(): void {
    const releases = this.#world.sent.filter(({ status }) => permits(status)).map(({ status }) => status.control?.position ?? 0);
    const named = new Set(
      this.#world.sent.filter(({ status }) => !permits(status)).flatMap(({ status }) => status.failures.map(({ id }) => id)),
    );
    const checks = new Map<string, Set<number>>();
    for (const [id, alarm] of this.#world.alarmed) {
      const position = this.#oracle.positionOf(id);
      if (!named.has(id) || position === undefined || isTrue(alarm)) continue;
      const since = Math.max(0, ...releases.filter((release) => release < position));
      checks.set(alarm.keyId, (checks.get(alarm.keyId) ?? new Set()).add(since));
    }
    for (const [keyId, caused] of checks)
      if (caused.size > CHECKS_A_DAY_MAX)
        throw new Error(`alarmPriced: empty alarms of ${keyId} have stopped the fleet ${caused.size} times`);
  }
}

function isTrue({ store }: RaisedAlarm): boolean {
  return store.everBad;
}
