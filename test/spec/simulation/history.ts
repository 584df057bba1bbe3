import { emptyControl, foldControl, isOpen, needsOperator, type SignedOrder, whyNotReleasable } from '@smartlite/trust';
import { asVerified } from '../../../libs/trust/src/verified.ts';
import { SimulatedGuard } from './guard.ts';
import { Fairness } from './fairness.ts';
import { Oracle } from './oracle.ts';
import { SimulatedVerifier } from './verifier.ts';
import { LOCK, type Store, TIMES, World } from './world.ts';

/** How long things go wrong. */
const FAULTS_MS = 9_000;
/** After that all must serve again within: two leader leases, two status leases, a verification, the longest rest, and polling. */
const RECOVERY_MS = 2 * TIMES.leadMs + 2 * TIMES.ttlMs + 1_200 + 16 * TIMES.dwellMs + 6_000;

/** All has settled when everybody has served for so many steps of recovery: longer than a slow log lets an entry wait, so what was on its way has arrived. */
const STEP_MS = 500;
const QUIET_STEPS = 8;
/** Far enough apart that a release lies between, with a rest that doubles each time. */
const FLAPS_MS = [0, 1_800, 3_900, 6_300];
const BAD_MS = 500;
/** Histories in which nothing else goes wrong than one of these two. */
const QUIET_SHARE = 0.1;

export interface HistoryFacts {
  readonly emissions: number;
  readonly failures: number;
  readonly epochs: number;
}

/** One history: a fleet, faults by the seed, then quiet. Throws at the first predicate that does not hold. */
export function runHistory(seed: number): HistoryFacts {
  const world = new World(seed);
  const { chance, schedule } = world;
  const verifierCount = 1 + chance.below(3);
  const stores: Store[] = Array.from({ length: verifierCount + 1 }, (_, index) => ({
    name: `store-${index}`,
    everBad: false,
    artifacts: [
      { id: 'weights', bad: null },
      { id: 'voice', bad: null },
    ],
  }));
  const verifiers = stores
    .slice(0, verifierCount)
    .map((store, index) => new SimulatedVerifier(world, `verifier-${index}`, store));
  const oracle = new Oracle(world);
  const fairness = new Fairness(world, oracle);
  const guards = Array.from({ length: 3 }, (_, index) => {
    const store = stores[chance.is(0.85) ? index % verifierCount : verifierCount] as Store;
    return new SimulatedGuard(world, `guard-${index}`, store, {
      applied(guard, before, signed) {
        oracle.applied(guard, before, signed);
        fairness.applied(guard, signed.status);
      },
      raised: (guard, id) => oracle.raised(guard, id),
    });
  });
  let emissions = 0;
  const look = () => {
    for (const guard of guards) {
      if (!guard.emits()) continue;
      emissions += 1;
      oracle.emission(guard);
    }
  };
  if (chance.is(QUIET_SHARE)) {
    const [store, guard] = [stores[0], guards[0]];
    if (store !== undefined && chance.is(0.5)) schedule.after(300, () => flap(world, verifiers, store));
    else if (guard !== undefined) schedule.after(300, () => cryWolf(world, guard));
  } else repeat(world, 300, () => world.faulty && hurt(world, verifiers, guards, stores, oracle));
  schedule.runUntil(FAULTS_MS, look);
  heal(world, verifiers, stores);
  for (let quiet = 0; quiet < QUIET_STEPS && schedule.nowMs < FAULTS_MS + RECOVERY_MS; ) {
    schedule.runUntil(schedule.nowMs + STEP_MS, look);
    quiet = whyDead(world, guards) === null ? quiet + 1 : 0;
  }
  fairness.atEnd();
  const why = whyDead(world, guards);
  if (why !== null) throw new Error(`lives: ${why}`);
  const control = world.log.entries.reduce(foldControl, emptyControl());
  return { emissions, failures: control.failures.size, epochs: control.epoch };
}

function repeat(world: World, periodMs: number, work: () => void): void {
  const again = () => {
    work();
    world.schedule.after(periodMs, again);
  };
  world.schedule.after(periodMs, again);
}

/** One fault, at most. */
function hurt(
  world: World,
  verifiers: readonly SimulatedVerifier[],
  guards: readonly SimulatedGuard[],
  stores: readonly Store[],
  oracle: Oracle,
): void {
  const { chance, schedule, log } = world;
  const pick = <T>(from: readonly T[]): T => from[chance.below(from.length)] as T;
  const verifier = pick(verifiers);
  const guard = pick(guards);
  const host = chance.is(0.6) ? verifier.host : guard.host;
  const someTime = chance.between(100, 4_000);
  switch (chance.below(19)) {
    case 0:
    case 1: {
      const store = pick(stores);
      const artifact = pick(store.artifacts);
      store.everBad = true;
      artifact.bad = chance.is(0.9) ? 'mismatch' : 'signature';
      for (const each of verifiers)
        if (each.store === store && chance.is(0.8)) schedule.after(chance.between(1, 100), () => each.changed());
      if (chance.is(0.5)) for (const each of guards) if (each.store === store) each.load();
      return schedule.after(someTime, () => {
        artifact.bad = null;
        for (const each of verifiers) if (each.store === store) each.changed();
      });
    }
    case 2:
      verifier.crash();
      return schedule.after(someTime, () => verifier.start());
    case 3:
      return host.pause(someTime, false);
    case 4:
      // A leader that wakes while the log is silent has nobody to tell it how long it has slept.
      if (chance.is(0.5)) log.downUntilMs = schedule.nowMs + someTime + TIMES.leadMs;
      return leaderHost(verifiers, host).pause(someTime, true);
    case 5:
      host.hears = false;
      return schedule.after(someTime, () => (host.hears = true));
    case 6:
      host.speaks = false;
      return schedule.after(someTime, () => (host.speaks = true));
    case 7:
      host.hears = false;
      host.speaks = false;
      return schedule.after(someTime, () => {
        host.hears = true;
        host.speaks = true;
      });
    case 8:
      log.downUntilMs = schedule.nowMs + someTime / 2;
      return;
    case 9:
      log.slow = true;
      return schedule.after(someTime, () => (log.slow = false));
    case 10:
      log.serverOffsetMs += chance.between(-5_000, 5_000);
      return;
    case 11:
      // Forwards only at a guard: a wall clock that goes back during a suspend is one of the stated limits.
      return host.stepWall(
        verifiers.some((each) => each.host === host) ? chance.between(-20_000, 20_000) : chance.between(0, 20_000),
      );
    case 12:
      return guard.alarm();
    case 13:
      oracle.forgets(guard);
      return guard.restart();
    case 14:
      // The bus admin plays back what it has recorded.
      for (let count = 0; count < 5 && world.sent.length > 0; count += 1)
        world.carry(verifier.host, guard, { kind: 'status', signed: pick(world.sent) });
      return;
    case 15:
      return part(world, verifiers, guards, someTime);
    case 16:
      return flap(world, verifiers, pick(stores));
    case 17:
      return cryWolf(world, guard);
    default:
      return order(world, { action: 'enter', mode: chance.is(0.8) ? 'safe' : 'halted' });
  }
}

/** The leader and some others are cut off together: they hear one another, and neither the log nor the rest. */
function part(world: World, verifiers: readonly SimulatedVerifier[], guards: readonly SimulatedGuard[], forMs: number): void {
  const leader = verifiers.find(({ node }) => node?.leading === true);
  const hosts = [...(leader ? [leader.host] : []), ...guards.filter(() => world.chance.is(0.6)).map(({ host }) => host)];
  for (const host of hosts) host.apart = true;
  world.schedule.after(forMs, () => {
    for (const host of hosts) host.apart = false;
  });
}

/** One artifact goes bad and good again and again. */
function flap(world: World, verifiers: readonly SimulatedVerifier[], store: Store): void {
  const [artifact] = store.artifacts;
  if (artifact === undefined) return;
  store.everBad = true;
  const set = (bad: 'mismatch' | null) => {
    if (!world.faulty) return;
    artifact.bad = bad;
    for (const each of verifiers) if (each.store === store) each.changed();
  };
  for (const atMs of FLAPS_MS) {
    world.schedule.after(atMs, () => set('mismatch'));
    world.schedule.after(atMs + BAD_MS, () => set(null));
  }
}

/** A rogue: its bytes are good, and it says that they are not, again and again. */
function cryWolf(world: World, guard: SimulatedGuard): void {
  for (const atMs of FLAPS_MS) world.schedule.after(atMs, () => world.faulty && guard.alarm());
}

function leaderHost(verifiers: readonly SimulatedVerifier[], otherwise: SimulatedVerifier['host']): SimulatedVerifier['host'] {
  return verifiers.find(({ node }) => node?.leading === true)?.host ?? otherwise;
}

/** Nothing fails any more, all bytes are good, and the operator releases what waits for an operator. */
function heal(world: World, verifiers: readonly SimulatedVerifier[], stores: readonly Store[]): void {
  world.faulty = false;
  world.log.downUntilMs = 0;
  world.log.slow = false;
  for (const store of stores) for (const artifact of store.artifacts) artifact.bad = null;
  for (const { host } of world.listeners) {
    host.hears = true;
    host.speaks = true;
    host.apart = false;
  }
  for (const verifier of verifiers) {
    verifier.start();
    verifier.changed();
  }
  repeat(world, 700, () => {
    const control = world.log.entries.reduce(foldControl, emptyControl());
    const waiting = [...control.failures.values()]
      .filter((record) => isOpen(record) && needsOperator(record.fact) && !record.released)
      .map(({ fact }) => fact.id);
    if (waiting.length > 0)
      order(world, { action: 'release', failures: waiting.slice(0, 64), lockDigest: LOCK, lockSequence: 1 });
  });
}

type Wish =
  | { readonly action: 'enter'; readonly mode: 'safe' | 'halted' }
  | { readonly action: 'release'; readonly failures: string[]; readonly lockDigest: string; readonly lockSequence: number };

/** An operator's order, straight into the log. */
function order(world: World, wish: Wish): void {
  const whole = {
    ...wish,
    fleet: 'fleet',
    generation: 1,
    reason: 'drill',
    notAfterUnixMs: Number.MAX_SAFE_INTEGER,
    nonce: world.chance.hex(32),
  };
  const id = world.chance.hex(64);
  const make = (envelope: Uint8Array): SignedOrder => asVerified({ order: whole, id, operator: 'operator', envelope });
  const envelope = world.registry.envelope(make);
  const operator = world.host('operator');
  world.log.append(operator, { kind: 'order', signed: world.registry.order(envelope) }, true, () => undefined);
}

/** Everybody serves, but those whose own key is quarantined: they wait for their readmission. Null when that is so, else who does not. */
function whyDead(world: World, guards: readonly SimulatedGuard[]): string | null {
  const control = world.log.entries.reduce(foldControl, emptyControl());
  const dead = guards.find(
    (guard) => !guard.emits() && !control.quarantined.has(guard.keyId) && !control.quarantined.has(guard.store.name),
  );
  if (dead === undefined) return null;
  const { applied, latches, conflictEpoch } = dead.state;
  const open = [...control.failures.values()].filter(isOpen);
  const restMs = control.dwellUntilMs - control.logMs;
  const guard = { mode: applied?.status.mode, latches: [...latches.keys()], conflictEpoch, memory: dead.memory };
  return `${dead.host.name} does not serve after all is well: ${JSON.stringify({ guard, open, restMs, whyNot: whyNotReleasable(control, LOCK), leader: control.leader })}`;
}
