import { type Caller } from '@smartlite/chassis';
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
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, nowMs: () => number) {
    this.#path = path;
    this.#nowMs = nowMs;
  }

  /** The caller behind `Authorization: Bearer KEY`. Throws `unauthenticated`, or `permission-denied` for acting as somebody else. */
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

  async #look(): Promise<void> {
    if (this.#nowMs() - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = this.#nowMs();
    const { mtimeMs, size, ino } = await stat(this.#path).catch((cause: unknown) => {
      throw new MeshError('unavailable', 'the file of API keys cannot be read', { cause });
    });
    const version = `${mtimeMs}/${size}/${ino}`;
    if (version === this.#version) return;
    if (size > FILE_BYTES_MAX) throw new MeshError('unavailable', 'the file of API keys is too large');
    const parsed = schema.safeParse(JSON.parse(await readFile(this.#path, 'utf8')));
    if (!parsed.success) throw new MeshError('unavailable', 'the file of API keys is not one that "smartlite clients" wrote');
    this.#byDigest = new Map(parsed.data.clients.map((client) => [client.digest, client]));
    this.#version = version;
  }
}
