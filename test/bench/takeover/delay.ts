import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

const ECHO = new URL('./echo.ts', import.meta.url);
/** Between two samples, so that looking is no load of its own. */
const EVERY_MS = 5;
const ENDS = 20;

/**
 * One scheduling delay, as this machine has it under the load of the very run that is judged: how late a timer comes, and what a hop to
 * another process and back costs. Sampled all the time; the P99 counts, as it does for the models.
 */
export class SchedulingDelay implements AsyncDisposable {
  readonly #echo = fork(ECHO);
  readonly #ending = new AbortController();
  readonly #samples: number[] = [];
  readonly #sampling = this.#sample();

  get text(): string {
    const { length } = this.#samples;
    return `one scheduling delay: P50 ${percentile(this.#samples, 0.5).toFixed(1)} ms, P99 ${this.p99Ms.toFixed(1)} ms, n = ${length}`;
  }

  get p99Ms(): number {
    return percentile(this.#samples, 0.99);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#sampling;
    await endOf(this.#echo);
  }

  async #sample(): Promise<void> {
    await answerOf(this.#echo);
    while (!this.#ending.signal.aborted) {
      const began = performance.now();
      await wait(EVERY_MS);
      await answerOf(this.#echo);
      this.#samples.push(performance.now() - began - EVERY_MS);
    }
  }
}

/** How long the end of a process that does nothing goes unheard, at the worst: nobody can know of a crash sooner. */
export async function processEndMs(): Promise<number> {
  let most = 0;
  for (let end = 0; end < ENDS; end += 1) {
    const echo = fork(ECHO);
    await answerOf(echo);
    const began = performance.now();
    await endOf(echo);
    most = Math.max(most, performance.now() - began);
  }
  return most;
}

async function answerOf(echo: ChildProcess): Promise<void> {
  const answered = once(echo, 'message');
  echo.send('well?');
  await answered;
}

async function endOf(echo: ChildProcess): Promise<void> {
  const ended = once(echo, 'exit');
  echo.send('end');
  await ended;
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}
