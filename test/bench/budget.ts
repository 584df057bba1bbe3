// `npm run bench budget`: decisions a second and their p99 on one ledger stream, for one to three replicas, beside one JetStream append
// per decision without any ledger.
import type { Bus } from '@smartlite/chassis';
import { SUBJECTS } from '@smartlite/contracts';
import { natsServer } from '@smartlite/testkit';
import { connect } from 'nats';
import { Accountant } from '../../services/budget/src/accountant.ts';
import { memoryDomain } from '../../services/budget/src/fixtures/domain.ts';
import { ledgerStream } from '../../services/budget/src/stores/ledgerstream.ts';

const DECISIONS = 20_000;
/** Callers that wait for their answer before they ask again. */
const CALLERS = 64;
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const silent = () => {};
const journal = { debug: silent, info: silent, warn: console.warn, error: console.error };

/** All replicas of this run share one process and so one core; as processes of their own they share what the machine has. */
export default async function bench(): Promise<void> {
  for (const replicas of [1, 2, 3]) say(`${replicas} replica${replicas > 1 ? 's' : ''}`, await ledgerRun(replicas));
  say('append alone', await appendRun());
}

async function ledgerRun(count: number): Promise<Measured> {
  await using server = await natsServer();
  const domain = await memoryDomain(Date.now());
  const ends: (() => Promise<void>)[] = [];
  const replicas = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const nats = await connect({ servers: server.url });
      const identity = await domain.identity('instance', `budget-${index}`);
      const stopping = new AbortController();
      ends.push(async () => {
        stopping.abort();
        await nats.close();
      });
      const bus = { nats, jetstream: nats.jetstream(), manager: () => nats.jetstreamManager() } as Partial<Bus> as Bus;
      const accountant = new Accountant({
        log: ledgerStream({ bus, journal, replicas: 1, snapshotEvery: 10_000 }),
        clock,
        replica: `budget-${index}`,
        identity: () => identity,
        trust: domain.trust,
        pack: {
          generation: 1,
          sequence: 1,
          limits: (['minute', 'day'] as const).flatMap((window) => [
            { scope: 'fleet' as const, subject: '', unit: 'llm_tokens' as const, window, limit: 1e9 },
            { scope: 'user' as const, subject: '', unit: 'llm_tokens' as const, window, limit: 1e9 },
          ]),
        },
        snapshotEvery: 10_000,
        newIncarnation: () => 'bench',
        journal,
        onLost: () => console.error('the ledger lost entries'),
        onForeign: (position, because) => console.error(position, because),
      });
      await accountant.open(stopping.signal);
      return accountant;
    }),
  );
  const measured = await measure(async (n) => {
    const user = `u${n % 100}`;
    const key = `k${n}`;
    await replicas[n % count]?.decide({
      kind: 'reserve',
      key,
      tenant: 't',
      user,
      amounts: { requests: 1, llm_tokens: 100 },
      lifeMs: 60_000,
    });
  });
  for (const end of ends) await end();
  return measured;
}

async function appendRun(): Promise<Measured> {
  await using server = await natsServer();
  const nats = await connect({ servers: server.url });
  await (await nats.jetstreamManager()).streams.add({ name: 'bench', subjects: [SUBJECTS.ledger] });
  const jetstream = nats.jetstream();
  const body = new Uint8Array(250);
  const measured = await measure(async () => void (await jetstream.publish(SUBJECTS.ledger, body)));
  await nats.close();
  return measured;
}

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measure(once: (n: number) => Promise<void>): Promise<Measured> {
  const tookMs: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const caller = async () => {
    while (next < DECISIONS) {
      const begunMs = performance.now();
      await once((next += 1));
      tookMs.push(performance.now() - begunMs);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const seconds = (performance.now() - startMs) / 1_000;
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { perSecond: tookMs.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function say(name: string, { perSecond, p50Ms, p99Ms }: Measured): void {
  console.log(
    `${name.padEnd(16)} ${perSecond.toFixed(0).padStart(6)} decisions/s   p50 ${p50Ms.toFixed(1)} ms   p99 ${p99Ms.toFixed(1)} ms`,
  );
}
