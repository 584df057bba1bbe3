/** How fast old answers are forgotten: after so long a third of a latency is left. Long enough to leave a slow one, short enough to come back. */
const FORGET_MS = 10_000;
/** Failures in a row after which an instance is left out: one may be an accident, three are not. */
export const FAILURES_MAX = 3;
/** First time that it is left out; it doubles each time, so that one that goes on failing is not tried to and fro. */
export const EJECT_FIRST_MS = 5_000;
export const EJECT_MOST_MS = 60_000;

interface Latency {
  readonly ms: number;
  readonly atMs: number;
}

interface Failures {
  /** In a row. */
  readonly count: number;
  readonly ejections: number;
  readonly untilMs: number;
}

const NO_FAILURE: Failures = { count: 0, ejections: 0, untilMs: Number.NEGATIVE_INFINITY };

/**
 * How instances have served this process lately. Latency is a peak-sensitive moving average (Finagle's peak EWMA): it jumps up with
 * one slow answer, and sinks with good ones and with time, so that traffic leaves a slow instance at once and comes back by itself.
 * Failures in a row eject an instance for a while (Envoy's outlier detection). Pure but for its memory: time is an argument.
 */
export class Conduct {
  readonly #latencies = new Map<string, Latency>();
  readonly #failures = new Map<string, Failures>();

  /** `method` answered for the first time after `ms`. Methods are kept apart: counting a prompt is quicker than answering it. */
  answered(instance: string, method: string, ms: number, nowMs: number): void {
    const key = keyOf(instance, method);
    const known = this.#latencies.get(key);
    const kept = known === undefined ? 0 : Math.exp(-(nowMs - known.atMs) / FORGET_MS);
    const average = known === undefined ? ms : known.ms * kept + ms * (1 - kept);
    this.#latencies.set(key, { ms: Math.max(ms, average), atMs: nowMs });
    const failures = this.#failures.get(instance);
    // What was ejected once is forgiven only when it has served for as long again as it was out.
    if (failures === undefined) return;
    const forgiven = nowMs - failures.untilMs >= ejectedMs(failures.ejections);
    if (forgiven) this.#failures.delete(instance);
    else this.#failures.set(instance, { ...failures, count: 0 });
  }

  /** The instance itself has failed, not the request. */
  failed(instance: string, nowMs: number): void {
    const { count, ejections, untilMs } = this.#failures.get(instance) ?? NO_FAILURE;
    const ejected = count + 1 >= FAILURES_MAX;
    this.#failures.set(
      instance,
      ejected
        ? { count: 0, ejections: ejections + 1, untilMs: nowMs + ejectedMs(ejections + 1) }
        : { count: count + 1, ejections, untilMs },
    );
  }

  isEjected(instance: string, nowMs: number): boolean {
    return nowMs < (this.#failures.get(instance) ?? NO_FAILURE).untilMs;
  }

  /** What the first answer is expected to take; undefined where nothing is remembered. */
  latencyMs(instance: string, method: string, nowMs: number): number | undefined {
    const known = this.#latencies.get(keyOf(instance, method));
    return known && known.ms * Math.exp(-(nowMs - known.atMs) / FORGET_MS);
  }

  /** Forgets instances that are gone. */
  keepOnly(instances: ReadonlySet<string>): void {
    for (const key of this.#latencies.keys()) if (!instances.has(key.slice(0, key.indexOf(' ')))) this.#latencies.delete(key);
    for (const instance of this.#failures.keys()) if (!instances.has(instance)) this.#failures.delete(instance);
  }
}

function keyOf(instance: string, method: string): string {
  return `${instance} ${method}`;
}

function ejectedMs(ejections: number): number {
  return ejections === 0 ? 0 : Math.min(EJECT_FIRST_MS * 2 ** (ejections - 1), EJECT_MOST_MS);
}
