// One process of `npm run bench flip`: many guards on one connection. A status is verified once, however many guards it is for.
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SUBJECTS } from '@smartlite/contracts';
import {
  applyNonceReply,
  applyStatus,
  beginNonce,
  encodeNonceRequest,
  type GuardState,
  newGuard,
  openNonceReply,
  openStatus,
  type Outcome,
  parseTrust,
  type RoleIdentity,
  roleIdentity,
  roleTrust,
  signAck,
} from '@smartlite/trust';
import { connect } from 'nats';

interface Orders {
  readonly url: string;
  readonly trust: string;
  /** Each with a key of its own: an ack counts only in the name of its signer. */
  readonly instances: readonly { readonly name: string; readonly folder: string }[];
}

const { url, trust: trustFile, instances } = JSON.parse(process.argv[2] ?? '') as Orders;
const trust = roleTrust(parseTrust(readFileSync(trustFile)));
const identities = new Map(instances.map(({ name, folder }) => [name, identityIn(folder)]));
const now = () => ({ monotonicMs: performance.now(), wallMs: Date.now() });
const nats = await connect({ servers: url });
const guards = new Map<string, GuardState>(
  [...identities].map(([name, { keyId }]) => [name, newGuard({ store: 'store', keyId })]),
);

function identityIn(folder: string): RoleIdentity {
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');
  return roleIdentity('instance', text('key.pem'), text('certificate.pem'));
}

function each(judge: (state: GuardState) => Outcome): boolean {
  let wantsNonce = false;
  for (const [name, state] of guards) {
    const outcome = judge(state);
    guards.set(name, outcome.state);
    if (outcome.kind === 'applied' && outcome.changed) acknowledge(name, outcome.state);
    wantsNonce ||= outcome.kind === 'wants-nonce';
  }
  return wantsNonce;
}

function acknowledge(instance: string, { applied }: GuardState): void {
  const identity = identities.get(instance);
  if (applied === null || identity === undefined) return;
  const { mode, generation, epoch, revision, beat, lockDigest } = applied.status;
  const ack = { service: 'asr', instance, region: 'local', mode, generation, epoch, revision, beat, lockDigest } as const;
  nats.publish(
    SUBJECTS.lockAck('asr', instance),
    signAck({ ...ack, appliedUnixMs: Date.now(), openAlarms: [] }, trust, identity),
  );
}

async function ask(): Promise<void> {
  const nonce = randomBytes(16).toString('hex');
  for (const [name, state] of guards) guards.set(name, beginNonce(state, nonce, now()));
  const { data } = await nats.request(SUBJECTS.lockNonce, encodeNonceRequest(nonce), { timeout: 2_000 });
  const reply = openNonceReply(data, trust, Date.now());
  each((state) => applyNonceReply(state, reply, now()));
}

nats.subscribe(SUBJECTS.lockStatus, {
  callback(failure, { data }) {
    if (failure !== null) return;
    const signed = openStatus(data, trust, Date.now());
    if (each((state) => applyStatus(state, signed, now()))) void ask().catch(() => undefined);
  },
});
// The bare comparison: as many replies, without any check.
nats.subscribe('bench.ping', { callback: (_failure, { data }) => instances.forEach(() => nats.publish('bench.pong', data)) });
await nats.flush();
process.send?.('ready');
