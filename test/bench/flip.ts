// From a flipped byte to the last instance's ack, beside bare NATS publish-and-reply to as many in the same run.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { SUBJECTS } from '@smartlite/contracts';
import { DEFAULT_MODELS, type TestFleet, testFleet } from '@smartlite/testkit';
import { openStatus, roleTrust } from '@smartlite/trust';

const SIZES = [7, 20, 200, 1_000];
const PROCESSES_MAX = 4;
/** One artifact each: after the fourth failure of one subject an operator decides. */
const ROUNDS = DEFAULT_MODELS.length;
const BARE_ROUNDS = 50;
const VERIFY_ROUNDS = 100;
/** Above the bare p99 and the verification: what inotify, hashing and the verifier's turn may take. */
const WRITE_SLACK_MS = 100;

export default async function flip(): Promise<void> {
  for (const size of SIZES) await measure(size);
}

async function measure(size: number): Promise<void> {
  await using fleet = await testFleet();
  await fleet.start('verifier', 'verifier-1');
  const processes = Math.min(PROCESSES_MAX, size);
  const watch = new AckWatch(fleet);
  await startGuards(fleet, size, processes);
  await watch.all('normal', size);
  const bare = await bareRounds(fleet, size);
  const [messages, writes]: [number[], number[]] = [[], []];
  for (const { id } of DEFAULT_MODELS.slice(0, ROUNDS)) {
    const file = fleet.domain.artifact(id);
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[bad.length - 2] = (bad[bad.length - 2] ?? 0) ^ 1;
    const wroteMs = performance.now();
    writeFileSync(file, bad);
    const lastMs = await watch.all('safe', size);
    messages.push(lastMs - watch.saidMs);
    writes.push(lastMs - wroteMs);
    writeFileSync(file, good);
    await watch.all('normal', size);
  }
  const markMs = percentile(bare, 0.99) + (processes * verifyMs(fleet, watch.envelope)) / cpus().length;
  const hashMs = hashOnceMs(readFileSync(fleet.domain.artifact('ears')));
  const text = (values: readonly number[]) => `${percentile(values, 0.5).toFixed(1)} ms (max ${Math.max(...values).toFixed(1)})`;
  console.log(`${String(size).padStart(5)} instances in ${processes} processes, ${ROUNDS} flips`);
  console.log(`      bare publish to last reply   ${text(bare)}, p99 ${percentile(bare, 0.99).toFixed(1)} ms`);
  console.log(`      status to last ack           ${text(messages)}   mark ${markMs.toFixed(1)} ms`);
  console.log(`      write to last ack            ${text(writes)}   mark ${(markMs + WRITE_SLACK_MS + hashMs).toFixed(1)} ms`);
}

/** Messages are read this long after their arrival, so that reading a thousand does not delay the next one's arrival. */
const READ_AFTER_MS = 100;

/** Hears acks and statuses; resolves with the moment at which the last instance's ack of a mode had arrived. */
class AckWatch {
  /** When the first status of the mode waited for was heard. */
  saidMs = 0;
  /** The last status heard. */
  envelope: Uint8Array = Buffer.of();
  readonly #modes = new Map<string, string>();
  readonly #instancesIn = new Map<string, number>();
  #arrived: { readonly ack: Uint8Array; readonly atMs: number }[] = [];
  #waiting: { readonly mode: string; readonly size: number; readonly resolve: (atMs: number) => void } | null = null;
  #said = '';

  constructor({ nats, domain }: TestFleet) {
    const trust = roleTrust(domain.keys.trust);
    nats.subscribe(SUBJECTS.lockStatus, {
      callback: (_failure, { data }) => {
        const atMs = performance.now();
        this.envelope = data;
        const { mode } = openStatus(data, trust, Date.now()).status;
        if (mode !== this.#said) this.saidMs = atMs;
        this.#said = mode;
      },
    });
    nats.subscribe(SUBJECTS.lockAck('asr', '*'), {
      callback: (_failure, { data }) => {
        if (this.#arrived.push({ ack: data, atMs: performance.now() }) === 1) setTimeout(() => this.#read(), READ_AFTER_MS);
      },
    });
  }

  all(mode: string, size: number): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting = { mode, size, resolve };
      this.#look(performance.now());
    });
  }

  /** Read, not verified: it is the time of arrival that is measured here, and the verifier checks them all. */
  #read(): void {
    for (const { ack, atMs } of this.#arrived.splice(0)) {
      const { payload } = JSON.parse(Buffer.from(ack).toString()) as { payload: string };
      const { instance, mode } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { instance: string; mode: string };
      this.#count(this.#modes.get(instance), -1);
      this.#count(mode, 1);
      this.#modes.set(instance, mode);
      this.#look(atMs);
    }
  }

  #count(mode: string | undefined, by: number): void {
    if (mode !== undefined) this.#instancesIn.set(mode, (this.#instancesIn.get(mode) ?? 0) + by);
  }

  #look(atMs: number): void {
    if (this.#waiting === null) return;
    const { mode, size, resolve } = this.#waiting;
    if ((this.#instancesIn.get(mode) ?? 0) < size) return;
    this.#waiting = null;
    resolve(atMs);
  }
}

async function startGuards(fleet: TestFleet, size: number, processes: number): Promise<void> {
  const names = Array.from({ length: size }, (_, index) => `bench-${index}`);
  for (let index = 0; index < processes; index += 1) {
    const instances: { readonly name: string; readonly folder: string }[] = [];
    for (const name of names.filter((_name, at) => at % processes === index))
      instances.push({ name, folder: (await fleet.domain.identity('instance', name)).folder });
    const orders = { url: fleet.server.url, trust: fleet.domain.files.trust, instances };
    const child = fork(join(import.meta.dirname, 'flip', 'guards.ts'), [JSON.stringify(orders)]);
    fleet.defer(() => child.kill('SIGKILL'));
    await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', () => reject(new Error('a process of guards has ended')));
    });
  }
}

async function bareRounds({ nats }: TestFleet, size: number): Promise<readonly number[]> {
  let left = 0;
  let done: () => void = () => {};
  const pongs = nats.subscribe('bench.pong', {
    callback: () => {
      left -= 1;
      if (left === 0) done();
    },
  });
  const took: number[] = [];
  for (let round = 0; round < BARE_ROUNDS; round += 1) {
    left = size;
    const all = new Promise<void>((resolve) => (done = resolve));
    const startedMs = performance.now();
    nats.publish('bench.ping', 'x');
    await all;
    took.push(performance.now() - startedMs);
  }
  pongs.unsubscribe();
  return took;
}

/** One verification of a status, as a process of guards makes it for each message. */
function verifyMs({ domain }: TestFleet, envelope: Uint8Array): number {
  const trust = roleTrust(domain.keys.trust);
  openStatus(envelope, trust, Date.now());
  const startedMs = performance.now();
  for (let count = 0; count < VERIFY_ROUNDS; count += 1) openStatus(envelope, trust, Date.now());
  return (performance.now() - startedMs) / VERIFY_ROUNDS;
}

function hashOnceMs(bytes: Uint8Array): number {
  const startedMs = performance.now();
  createHash('sha256').update(bytes).digest();
  return performance.now() - startedMs;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
