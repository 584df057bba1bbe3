import { type Mode, SUBJECTS } from '@smartlite/contracts';
import type { Command } from 'commander';
import { findBus } from '../mesh/find.ts';
import { type Applied, appliedBy } from '../mode/applied.ts';
import { type Durability, statedDurability } from '../doctor/durability.ts';
import { describePropagation, propagationOf } from '../mode/propagation.ts';
import { readApplied } from '../mesh/stores/applied.ts';
import { openBus } from '../mesh/stores/bus.ts';
import { discover, type InstanceFact } from '../mesh/stores/instances.ts';
import { type LockFact, readLockFact } from '../mesh/stores/lock-status.ts';
import { findPlace } from '../up/place.ts';

/** From what lets most happen to what lets least. */
const SEVERITY: readonly Mode[] = ['normal', 'starting', 'safe', 'halted'];

/** `smartlite status` */
export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('the fleet’s mode, every instance and what it has applied, every model')
    .option('--json', 'print one JSON object')
    .action(status);
}

async function status(options: { readonly json?: boolean }): Promise<void> {
  const place = findPlace();
  await using bus = await openBus(await findBus(place));
  const [instances, lock] = await Promise.all([discover(bus), readLockFact(bus, SUBJECTS.lockStatus, place)]);
  const mode = fleetMode(lock, instances);
  const acks = await readApplied(instances.find(({ service }) => service === 'verifier')?.grpc);
  const rows = instances.map((instance) => ({ ...instance, ...appliedBy(instance.id, acks, lock) }));
  const durability = statedDurability(process.env['SMARTLITE_NATS_DURABILITY']);
  const propagation = propagationOf(rows);
  if (options.json)
    console.log(
      JSON.stringify({
        mode,
        epoch: lock?.epoch ?? 0,
        lockSequence: lock?.lockSequence ?? null,
        reasons: lock?.reasons ?? [],
        instances: rows.map(published),
        laggards: propagation.laggards,
        propagation,
        durability,
        models: modelsOf(instances),
      }),
    );
  else console.log([describe(mode, lock, rows, durability), ...describePropagation(propagation)].join('\n'));
}

/** The last status says what the fleet was told; instances whose lease has run out say what holds now. */
export function fleetMode(lock: LockFact | undefined, instances: readonly InstanceFact[]): Mode {
  const settled = instances.map(({ mode }) => mode).filter((mode) => mode !== 'starting');
  const said: Mode[] = [lock?.mode ?? 'starting', ...settled];
  return said.reduce((worst, mode) => (SEVERITY.indexOf(mode) > SEVERITY.indexOf(worst) ? mode : worst));
}

type Row = InstanceFact & Applied;

/** The fields that the contract promises, and whether the instance has applied the decision in force, and how fast. */
function published({
  service,
  id,
  region,
  mode,
  epochApplied,
  pid,
  grpc,
  inflight,
  queued,
  revisionApplied,
  applied,
  delayMs,
}: Row) {
  return { service, id, region, mode, epochApplied, pid, grpc, inflight, queued, revisionApplied, applied, delayMs };
}

/** Every model that an instance has loaded, or leaves for now, with the state of its breaker. */
export function modelsOf(instances: readonly InstanceFact[]) {
  return instances.flatMap(({ service, id, models, breakers }) =>
    [...new Set([...models, ...breakers.map(({ model }) => model)])].map((model) => {
      const left = breakers.find((breaker) => breaker.model === model);
      return { id: model, service, instance: id, breaker: left?.state ?? 'closed', ...(left && { because: left.because }) };
    }),
  );
}

function describe(mode: Mode, lock: LockFact | undefined, instances: readonly Row[], durability: Durability): string {
  const head = `mode ${mode}   epoch ${lock?.epoch ?? '-'}   lock ${lock?.lockSequence ?? '-'}   durability: ${durability}${lock?.reasons.length ? `\n  because ${lock.reasons.join('; ')}` : ''}`;
  const rows = instances.map(({ service, id, mode: own, epochApplied, pid, grpc, inflight, models, applied, delayMs }) =>
    [
      service.padEnd(9),
      id.padEnd(18),
      own.padEnd(9),
      `epoch ${epochApplied}`.padEnd(9),
      `pid ${pid}`.padEnd(11),
      grpc.padEnd(21),
      appliedText(applied, delayMs).padEnd(17),
      `${inflight} in flight`,
      models.join(', '),
    ]
      .join(' ')
      .trimEnd(),
  );
  const left = instances.flatMap(({ id, breakers }) =>
    breakers.map(({ model, state, because }) => `  ${id}: ${model} is left, its breaker is ${state}: ${because}`),
  );
  return [head, ...rows, ...left, ...(instances.length === 0 ? ['No instance answers.'] : [])].join('\n');
}

function appliedText(applied: boolean, delayMs: number | null): string {
  if (!applied) return 'NOT APPLIED';
  return delayMs === null ? 'applied' : `applied in ${Math.round(delayMs)} ms`;
}
