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
  roleIdentity,
  roleTrust,
  signAck,
} from '@smartlite/trust';
import { connect } from 'nats';

interface Orders {
  readonly url: string;
  readonly trust: string;
  readonly identity: string;
  readonly instances: readonly string[];
}

const { url, trust: trustFile, identity: folder, instances } = JSON.parse(process.argv[2] ?? '') as Orders;
const trust = roleTrust(parseTrust(readFileSync(trustFile)));
const [key, certificate] = ['key.pem', 'certificate.pem'].map((file) => readFileSync(join(folder, file), 'utf8')) as [
  string,
  string,
];
const identity = roleIdentity('instance', key, certificate);
const now = () => ({ monotonicMs: performance.now(), wallMs: Date.now() });
const nats = await connect({ servers: url });
const guards = new Map<string, GuardState>(instances.map((name) => [name, newGuard({ store: 'store', keyId: identity.keyId })]));

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
  if (applied === null) return;
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
