import type { ControlBody, FailureFact, LockStatus, Placed, SignedStatus } from '@smartlite/trust';
import type { Act } from '../../../services/verifier/src/act.ts';
import { VerifierNode } from '../../../services/verifier/src/node.ts';
import type { Report } from '../../../services/verifier/src/report.ts';
import { asVerified } from '../../../libs/trust/src/verified.ts';
import type { Host } from './host.ts';
import { LOCK, type Listener, type Message, type Store, TIMES, type World } from './world.ts';

/** How often the node is told of time. */
const TICK_MS = 50;

/** A verifier: the node that runs in production, in a shell that knows this world instead of NATS and a disk. */
export class SimulatedVerifier implements Listener {
  readonly host: Host;
  readonly store: Store;
  readonly #world: World;
  readonly #key: string;
  /** What survives a crash. */
  #disk: { epoch: number; failures: readonly FailureFact[] } = { epoch: 0, failures: [] };
  #life: Life | null = null;

  constructor(world: World, name: string, store: Store) {
    this.#world = world;
    this.host = world.host(name);
    this.#key = `key-of-${name}`;
    this.store = store;
    world.listeners.push(this);
    this.start();
    world.every(TICK_MS, this.host, () => this.#life?.tick());
  }

  get node(): VerifierNode | null {
    return this.#life?.node ?? null;
  }

  start(): void {
    if (this.#life !== null) return;
    const parts = { world: this.#world, host: this.host, key: this.#key, store: this.store };
    this.#life = new Life(parts, this.#disk, () => this.#dieSoon());
  }

  /** SIGKILL: what was written stays, the rest is gone. */
  crash(): void {
    const lost = this.#life?.untold(this.#disk.failures);
    if (lost !== undefined)
      throw new Error(
        `alarmHeard: ${this.host.name} dies, and failure ${lost.slice(0, 8)} is neither in the log nor on its disk`,
      );
    this.#life?.end();
    this.#life = null;
  }

  /** After what it does now, and before the log can have taken it. */
  #dieSoon(): void {
    this.#world.schedule.after(0, () => this.crash());
    this.#world.schedule.after(this.#world.chance.between(100, 4_000), () => this.start());
  }

  hear(message: Message): void {
    this.#life?.hear(message);
  }

  changed(): void {
    this.host.run(() => this.#life?.suspect());
  }
}

/** One life of the process. */
class Life {
  readonly node: VerifierNode;
  readonly #world: World;
  readonly #host: Host;
  readonly #key: string;
  readonly #store: Store;
  readonly #disk: { epoch: number; failures: readonly FailureFact[] };
  readonly #boot: string;
  readonly #stopReading: () => void;
  readonly #queue: ControlBody[] = [];
  readonly #onTold: () => void;
  #own: SignedStatus | null = null;
  #sending = false;
  #dying = false;
  readonly #told = new Set<string>();
  #counter = 0;
  #alive = true;
  #opened = false;

  constructor(
    { world, host, key, store }: { readonly world: World; readonly host: Host; readonly key: string; readonly store: Store },
    disk: { epoch: number; failures: readonly FailureFact[] },
    onTold: () => void,
  ) {
    this.#onTold = onTold;
    this.#world = world;
    this.#host = host;
    this.#key = key;
    this.#store = store;
    this.#disk = disk;
    this.#boot = world.chance.hex(32);
    const self = { fleet: 'fleet', generation: 1, instance: host.name, keyId: key, boot: this.#boot, store: store.name };
    this.node = new VerifierNode(self, TIMES, () => world.chance.hex(64), disk);
    this.#stopReading = world.log.follow(host, (placed) => this.#fold(placed));
  }

  end(): void {
    this.#alive = false;
    this.#stopReading();
  }

  /** A failure of its own that it has told the fleet, and that nobody would remember if it died now. */
  untold(disk: readonly FailureFact[]): string | undefined {
    const kept = new Set(disk.map(({ id }) => id));
    for (const { message } of this.#world.log.entries)
      if (message.kind === 'entry' && message.entry.body.kind === 'failure') kept.add(message.entry.body.failure.id);
    return [...this.#told].find((id) => !kept.has(id));
  }

  tick(): void {
    if (this.node.control.incarnation === null && !this.#opened) {
      this.#opened = true;
      this.#append({ kind: 'open', leadMs: TIMES.leadMs, dwellMs: TIMES.dwellMs });
    }
    this.#do(this.node.tick(this.#host.now()));
  }

  suspect(): void {
    this.#do(this.node.wantVerification(this.#host.now()));
  }

  hear(message: Message): void {
    const now = this.#host.now();
    switch (message.kind) {
      case 'nonce': {
        const time = this.node.leaderTime(now);
        if (time !== null)
          message.answer(
            asVerified({
              nonce: message.nonce,
              ...time,
              keyId: this.#key,
              status: this.#own === null ? null : asVerified(this.#own),
            }),
          );
        return;
      }
      case 'alarm':
        return this.#do(
          this.node.foresee({ kind: 'alarm', signed: this.#world.registry.alarm(message.envelope), conflict: null }, now),
        );
      case 'ack':
        return this.#do(this.node.outranked(message.held.status.epoch, now));
      case 'status':
        return this.node.observe(message.signed.status);
    }
  }

  #fold(placed: Placed): void {
    if (this.#alive) this.#do(this.node.folded(placed, this.#host.now()));
  }

  #do(acts: readonly Act[]): void {
    for (const act of acts) this.#perform(act);
  }

  #perform(act: Act): void {
    switch (act.kind) {
      case 'broadcast':
        return this.#broadcast(act.status);
      case 'append':
        return this.#append(act.body);
      case 'relay':
        return this.#relay(act.bytes);
      case 'mark':
        this.#disk.epoch = Math.max(this.#disk.epoch, act.epoch);
        return;
      case 'journal':
        this.#disk.failures = act.failures;
        return;
      case 'verify':
        return this.#verify(act.verification);
      case 'reign':
        this.#own = null;
        return;
      case 'mode-changed':
        return;
    }
  }

  #broadcast(status: LockStatus): void {
    const { registry } = this.#world;
    const releases = status.releases.map((release) => registry.order(Buffer.from(release, 'base64')));
    const envelope = registry.envelope((bytes) =>
      asVerified({ status, keyId: this.#key, digest: JSON.stringify(status), envelope: bytes, releases }),
    );
    this.#own = registry.status(envelope);
    this.#world.publish(this.#host, { kind: 'status', signed: registry.status(envelope) });
    const own = status.failures.filter(({ store, id }) => store === this.#store.name && !this.#world.told.has(id));
    for (const { id } of own) if (!this.#world.alarmed.has(id)) this.#remind(id);
    // The worst moment to die: the fleet has been told, and the log does not know yet.
    if (!this.#world.faulty || own.length === 0 || !this.#world.chance.is(0.3)) return;
    this.#dying = true;
    this.#onTold();
  }

  #remind(id: string): void {
    this.#told.add(id);
    this.#world.told.add(id);
  }

  #append(body: ControlBody): void {
    if (this.#dying) return;
    this.#queue.push(body);
    this.#remember(body);
    if (!this.#sending) this.#send();
  }

  #relay(bytes: Uint8Array): void {
    const { registry, log } = this.#world;
    const message = registry.isOrder(bytes)
      ? ({ kind: 'order', signed: registry.order(bytes) } as const)
      : ({ kind: 'alarm', signed: registry.alarm(bytes), conflict: null } as const);
    log.append(this.#host, message, true, (acknowledged) => {
      if (!acknowledged && this.#alive) this.#relay(bytes);
    });
  }

  /** For the checker: when a leader sent what its leases rest on. */
  #remember(body: ControlBody): void {
    if (body.kind !== 'campaign' && body.kind !== 'beat') return;
    const [number, leaderMs] = body.kind === 'campaign' ? [0, 0] : [body.number, this.node.reignMs(this.#host.now())];
    this.#world.beats.push({ epoch: body.epoch, number, leaderMs, trueMs: this.#world.schedule.nowMs });
  }

  /** One after the other, each until it is acknowledged; a lost acknowledgement makes a second copy. */
  #send(): void {
    const body = this.#queue.shift();
    if (body === undefined || !this.#alive) {
      this.#sending = false;
      return;
    }
    this.#sending = true;
    this.#counter += 1;
    const incarnation = this.node.control.incarnation ?? this.#boot.repeat(2);
    const entry = {
      fleet: 'fleet',
      generation: 1,
      incarnation,
      author: this.#host.name,
      boot: this.#boot,
      counter: this.#counter,
      body,
    };
    const attempt = () => {
      this.#world.log.append(this.#host, { kind: 'entry', entry, keyId: this.#key }, body.kind !== 'beat', (acknowledged) => {
        if (!this.#alive) return;
        if (acknowledged) this.#send();
        else attempt();
      });
    };
    attempt();
  }

  /** Each artifact is read at its own moment between now and the end. */
  #verify(verification: string): void {
    const { schedule, chance } = this.#world;
    const tookMs = chance.between(20, 600);
    const found: { readonly id: string; readonly bad: 'mismatch' | 'signature' }[] = [];
    for (const artifact of this.#store.artifacts) {
      schedule.after(chance.between(0, tookMs), () => {
        if (artifact.bad !== null) found.push({ id: artifact.id, bad: artifact.bad });
      });
    }
    schedule.after(tookMs, () =>
      this.#host.run(() => {
        if (this.#alive) this.#do(this.node.finished(verification, reportOf(found, tookMs), this.#host.now()));
      }),
    );
  }
}

function reportOf(found: readonly { readonly id: string; readonly bad: 'mismatch' | 'signature' }[], tookMs: number): Report {
  return {
    lockDigest: LOCK,
    lockSequence: 1,
    expiresUnixMs: null,
    mismatch: 'safe',
    artifacts: [],
    substitutions: {},
    refusedArtifacts: [],
    tookMs,
    findings: found.map(({ id, bad }) => ({
      code: bad === 'mismatch' ? 'DIGEST_MISMATCH' : 'SIGNATURE_INVALID',
      artifact: id,
      digest: null,
      message: bad,
      effect: bad === 'mismatch' ? 'safe' : 'halted',
    })),
  };
}
