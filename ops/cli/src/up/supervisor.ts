import { join } from 'node:path';
import type { ServiceName } from '@smartlite/contracts';
import type { Domain } from './domain.ts';
import { Identities } from './identities.ts';
import { environmentOf, forkInstance, type Instance, parseReady, planInstances, type Ready } from './instance.ts';
import { KeptProcess } from './kept-process.ts';
import { type MeshFile, removeMesh, writeMesh } from './mesh-file.ts';
import { type NatsUser, writeNatsFiles } from './nats-config.ts';
import { requireNatsServer, spawnNatsServer, waitForNats } from './nats-server.ts';
import type { Place } from './place.ts';
import type { Address } from './ports.ts';
import { markOf } from './process-facts.ts';
import { RotatingLog } from './rotating-log.ts';

export interface MeshOptions {
  readonly place: Place;
  readonly domain: Domain;
  readonly scale: Partial<Record<ServiceName, number>>;
  readonly http: Address;
  /** Where our own NATS listens, or the URL and credentials of one that runs already. */
  readonly nats:
    | { readonly kind: 'own'; readonly address: Address }
    | { readonly kind: 'given'; readonly url: string; readonly credentials: string | undefined };
  /** The entry of a service's process. */
  readonly mainOf: (service: ServiceName) => string;
  /** Told what happens later, after start: crashes, renewals. */
  readonly onEvent: (line: string) => void;
}

interface Member {
  readonly instance: Instance;
  readonly process: KeptProcess;
  ready: Ready | undefined;
}

/** One mesh on this machine: the bus and a process for each instance, kept running until `stop`. */
export class Supervisor {
  readonly #options: MeshOptions;
  readonly #instances: readonly Instance[];
  readonly #identities: Identities;
  readonly #startedUnixMs = Date.now();
  #members: Member[] = [];
  #nats: KeptProcess | undefined;
  #credentials: ReadonlyMap<string, string> = new Map();
  #everReady = false;
  #stopping = false;
  #waiters: (() => void)[] = [];
  #written: Promise<void> = Promise.resolve();

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#instances = planInstances(options.scale);
    this.#identities = new Identities(options.domain, { folder: options.place.identities, keys: options.place.keys });
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** The command line's own access to the bus. */
  get cliCredentials(): string | undefined {
    return this.#options.nats.kind === 'given' ? this.#options.nats.credentials : this.#credentials.get('cli');
  }

  get natsUrl(): string {
    const { nats } = this.#options;
    return nats.kind === 'given' ? nats.url : `nats://${nats.address.host}:${nats.address.port}`;
  }

  /** Starts our own NATS and waits until it answers; a given one is left to itself. */
  async startNats(): Promise<void> {
    const { nats, place } = this.#options;
    if (nats.kind === 'given') return;
    requireNatsServer();
    const users: NatsUser[] = this.#instances.map(({ service, id }) => ({ service, instance: id }));
    const files = await writeNatsFiles(place.nats, {
      root: place.root,
      address: nats.address,
      users: [...users, { service: 'cli', instance: 'cli' }, { service: 'client', instance: 'client' }],
    });
    this.#credentials = files.credentials;
    this.#nats = this.#keep('nats-server', () => spawnNatsServer(files.config));
    this.#nats.start();
    await waitForNats(nats.address, { alive: () => this.#nats?.state.kind === 'running' });
  }

  /** Makes identities and starts every instance at once; they find each other in any order. */
  async startServices(): Promise<void> {
    for (const instance of this.#instances) this.#members.push(await this.#enlist(instance));
    for (const { process } of this.#members) process.start();
    this.#identities.keepFresh(
      (id) => this.#members.find(({ instance }) => instance.id === id)?.process.send({ kind: 'identity-renewed' }),
      (error) => this.#options.onEvent(`A certificate could not be renewed: ${String(error)}`),
    );
  }

  /** Resolves at the next change of any process, or of what one has said. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Marks the start as complete: from now on a crash is reported, not a failed start. */
  async markReady(): Promise<void> {
    this.#everReady = true;
    this.#changed();
    await this.#written;
  }

  /** Ends services, then the bus; the file goes last, so that an interrupted stop is finished by the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#identities.stop();
    await Promise.all(this.#members.map(({ process }) => process.stop()));
    await this.#nats?.stop();
    await this.#written;
    await removeMesh(this.#options.place.meshFile);
  }

  async #enlist(instance: Instance): Promise<Member> {
    const { place, mainOf, http } = this.#options;
    const identity = await this.#identities.make(instance.service, instance.id);
    const settings = {
      identity,
      natsUrl: this.natsUrl,
      natsCredentials: this.#credentials.get(instance.id) ?? this.cliCredentials,
      httpAddress: `${http.host}:${http.port}`,
    };
    const environment = environmentOf(instance, place, settings);
    const member: Member = {
      instance,
      ready: undefined,
      process: this.#keep(
        instance.id,
        () => forkInstance(mainOf(instance.service), environment, place.root),
        (message) => this.#hear(member, message),
      ),
    };
    return member;
  }

  #keep(
    name: string,
    spawn: () => ReturnType<typeof forkInstance>,
    onMessage: (message: unknown) => void = () => {},
  ): KeptProcess {
    return new KeptProcess({
      name,
      spawn,
      onMessage,
      log: new RotatingLog(join(this.#options.place.logs, `${name}.ndjson`)),
      onChange: () => this.#changed(),
      onCrash: (because, waitMs) => this.#options.onEvent(`${name} ${because}; started again in ${waitMs} ms.`),
    });
  }

  #hear(member: Member, message: unknown): void {
    const ready = parseReady(message);
    if (ready === undefined) return;
    member.ready = ready;
    this.#changed();
  }

  #changed(): void {
    for (const member of this.#members) if (member.process.state.kind !== 'running') member.ready = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
    if (this.#stopping) return;
    // One write at a time, each with what is true when its turn comes.
    this.#written = this.#written.then(() => writeMesh(this.#options.place.meshFile, this.#facts())).catch(() => {});
  }

  #facts(): MeshFile {
    const gateway = this.#members.find(({ instance }) => instance.service === 'gateway')?.ready;
    const { nats, place } = this.#options;
    return {
      format: 'smartlite-mesh/1',
      supervisor: markOf(process.pid) ?? { pid: process.pid, started: '' },
      startedUnixMs: this.#startedUnixMs,
      ready: this.#everReady,
      pack: place.pack,
      nats: {
        url: this.natsUrl,
        credentials: this.cliCredentials ?? null,
        process: nats.kind === 'own' ? (this.#nats?.mark ?? null) : null,
      },
      gateway: gateway?.addresses['http'] ?? null,
      instances: this.#members.map(({ instance, process: kept, ready }) => ({
        service: instance.service,
        id: instance.id,
        process: kept.mark ?? null,
        grpc: ready?.grpc ?? null,
        metrics: ready?.metrics ?? null,
        addresses: ready?.addresses ?? {},
        restarts: kept.restarts,
      })),
    };
  }
}
