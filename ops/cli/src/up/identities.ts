import { join } from 'node:path';
import type { ServiceName } from '@smartlite/contracts';
import { type Domain, type IdentityRequest, roleOf } from './domain.ts';

/** How often it is looked whether a certificate is past half of its life. Also right after a suspend of hours. */
const LOOK_MS = 60_000;

interface Held {
  readonly folder: string;
  readonly request: IdentityRequest;
  issuedUnixMs: number;
  endsUnixMs: number;
}

/** The identities of one mesh's processes: made at start, renewed at half of their life for as long as the mesh runs. */
export class Identities {
  readonly #domain: Domain;
  readonly #folder: string;
  readonly #keys: string;
  readonly #held: Held[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `keys` is where keys live that outlast a mesh: the log of the trail has one name and one key for all its life. */
  constructor(domain: Domain, { folder, keys }: { readonly folder: string; readonly keys: string }) {
    this.#domain = domain;
    this.#folder = folder;
    this.#keys = keys;
  }

  /** Makes what an instance needs; gives the settings that name it. */
  async make(service: ServiceName, instance: string): Promise<Record<string, string>> {
    const own = await this.#certify(join(this.#folder, instance), { role: roleOf(service), instance });
    if (service !== 'audit') return { SMARTLITE_IDENTITY: own };
    // One role per certificate: who signs the trail's checkpoints does it with a key for that alone.
    const checkpoint = await this.#certify(join(this.#keys, 'audit-checkpoint'), {
      role: 'audit-checkpoint',
      instance: 'audit-log',
    });
    return { SMARTLITE_IDENTITY: own, SMARTLITE_CHECKPOINT_IDENTITY: checkpoint };
  }

  /** Renews in the background; tells which instance has a new certificate. */
  keepFresh(onRenewed: (instance: string) => void, onFailure: (error: unknown) => void): void {
    this.#timer = setInterval(() => void this.renew(Date.now(), onRenewed).catch(onFailure), LOOK_MS);
    this.#timer.unref();
  }

  /** Renews every certificate that is past half of its life at `nowUnixMs`. */
  async renew(nowUnixMs: number, onRenewed: (instance: string) => void): Promise<void> {
    for (const held of this.#held) {
      if (nowUnixMs < (held.issuedUnixMs + held.endsUnixMs) / 2) continue;
      const { endsUnixMs } = await this.#domain.certify(held.folder, held.request);
      Object.assign(held, { issuedUnixMs: nowUnixMs, endsUnixMs });
      onRenewed(held.request.instance);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #certify(folder: string, request: IdentityRequest): Promise<string> {
    const { endsUnixMs } = await this.#domain.certify(folder, request);
    this.#held.push({ folder, request, issuedUnixMs: Date.now(), endsUnixMs });
    return folder;
  }
}
