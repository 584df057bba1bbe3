import type { Bus } from '@smartlite/chassis';
import { type ObjectStore, StorageType } from 'nats';

const BUCKET = 'smartlite-ledger-snapshots';
const NAME = 'latest';

/** The latest snapshot of the ledger, in JetStream's object store: it may be larger than one message. */
export class SnapshotStore {
  readonly #bus: Bus;
  readonly #replicas: number;
  #opened: Promise<ObjectStore> | undefined;

  constructor(bus: Bus, replicas: number) {
    this.#bus = bus;
    this.#replicas = replicas;
  }

  async read(): Promise<Uint8Array | undefined> {
    return (await (await this.#store()).getBlob(NAME)) ?? undefined;
  }

  /** Takes the place of the one before it once it is stored as a whole. */
  async write(bytes: Uint8Array): Promise<void> {
    await (await this.#store()).putBlob({ name: NAME }, bytes);
  }

  async remove(): Promise<void> {
    await (await this.#store()).delete(NAME);
  }

  #store(): Promise<ObjectStore> {
    const options = { storage: StorageType.File, replicas: this.#replicas };
    this.#opened ??= this.#bus.jetstream.views.os(BUCKET, options).catch((caught: unknown) => {
      this.#opened = undefined;
      throw caught;
    });
    return this.#opened;
  }
}
