import type { Caller } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';

/** How long a revoked key may still work: the file is looked at no more often. */
const LOOK_MS = 1_000;
const FILE_BYTES_MAX = 16 * 1024 * 1024;

const schema = z.strictObject({
  format: z.literal('smartlite-clients/1'),
  clients: z.array(
    z.strictObject({
      id: z.string().min(1),
      digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      user: z.string().min(1).max(200),
      tenant: z.string().min(1).max(200),
      regions: z.array(z.string()),
      operator: z.boolean(),
      may_act_for: z.boolean(),
      created: z.string(),
    }),
  ),
});
type Client = z.infer<typeof schema>['clients'][number];

/** Who a key belongs to. Keys are never kept: the file holds their SHA-256, and keys have 256 bits of their own. */
export class Clients {
  readonly #path: string;
  readonly #nowMs: () => number;
  #byDigest: ReadonlyMap<string, Client> = new Map();
  #version = '';
  #lookedMs = 0;
  #looking: Promise<void> | undefined;

  constructor(path: string, nowMs: () => number) {
    this.#path = path;
    this.#nowMs = nowMs;
  }

  /**
   * The caller behind `Authorization: Bearer KEY`. Throws `unauthenticated`, `permission-denied` for acting as somebody else, and `unavailable`
   * while nobody can say whose keys are good.
   */
  async callerOf(authorization: string | undefined, actAs: string | undefined): Promise<Caller> {
    await this.#look();
    const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) throw new MeshError('unauthenticated', 'an API key is required: send "Authorization: Bearer KEY"');
    const client = this.#byDigest.get(`sha256:${createHash('sha256').update(key).digest('hex')}`);
    if (!client) throw new MeshError('unauthenticated', 'the API key is not known; list the keys with "smartlite clients list"');
    const { tenant, regions, operator } = client;
    if (actAs === undefined || actAs === '') return { user: client.user, tenant, regions, operator };
    if (!client.may_act_for) throw new MeshError('permission-denied', 'this API key may not act for another user');
    if (actAs.length > 200) throw new MeshError('invalid-argument', 'x-smartlite-user: 200 characters at most');
    return { user: actAs, tenant, regions, operator: false };
  }

  /** Requests that come at one moment wait for one look; a file that cannot be read lets nobody in. */
  async #look(): Promise<void> {
    if (!this.#looking || this.#nowMs() - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = this.#nowMs();
      this.#looking = this.#read();
    }
    return this.#looking;
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const version = `${mtimeMs}/${size}/${ino}`;
      if (version === this.#version) return;
      if (size > FILE_BYTES_MAX) throw new Error('too large');
      const { clients } = schema.parse(JSON.parse(await readFile(this.#path, 'utf8')));
      this.#byDigest = new Map(clients.map((client) => [client.digest, client]));
      this.#version = version;
    } catch (cause) {
      throw new MeshError('unavailable', 'the file of API keys cannot be read, or is not one that "smartlite clients" wrote', {
        cause,
        retryAfterMs: LOOK_MS,
      });
    }
  }
}
