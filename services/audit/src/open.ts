import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Platform } from '@smartlite/chassis';
import type { AuditEntry } from '@smartlite/contracts';
import { encodeVerifierKey } from '@smartlite/tlog';
import { type RoleIdentity, roleTrust } from '@smartlite/trust';
import type { AuditConfig } from './config.ts';
import type { Feed, Index } from './engine.ts';
import { Fence } from './fence.ts';
import type { Remark } from './sequencer.ts';
import { diskFolder } from './stores/disk.ts';
import { jetstreamFeed } from './stores/feed.ts';
import { newBoot, takeHostLock } from './stores/hostlock.ts';
import { sqliteIndex } from './stores/index.ts';
import { checkpointIdentity, logKey } from './stores/key.ts';
import { natsReceipts } from './stores/receipts.ts';
import { termLog } from './stores/termlog.ts';
import { verificationLogFile } from './stores/verificationlog.ts';
import { type LogKey, TreeLog } from './treelog.ts';
import { Writer } from './writer.ts';

/** Name of the file with the log's public key, beside the private one. */
export const VERIFIER_KEY_PATH = 'log.vkey';
/** The control log hears of the log's progress this often, and so many times within a lease that two may be lost. */
const BEAT_MS_MAX = 1_000;
const BEATS_A_LEASE = 5;

/** A log that this process writes. */
export interface OpenLog extends Disposable {
  readonly tree: TreeLog;
  readonly index: Index;
  readonly writer: Writer;
  readonly feed: Feed;
}

/** Everything under SMARTLITE_HOME unless set otherwise. One log a fleet and region: entries do not cross regions. */
export function placesOf(config: AuditConfig, { fleet, region }: { readonly fleet: string; readonly region: string }) {
  return {
    origin: `smartlite/${fleet}/${region}`,
    log: join(config.auditDir ?? join(config.home, 'audit'), fleet, region),
    view: config.auditLog ?? join(config.home, 'logs', 'audit', 'model_verification.log'),
    key: config.checkpointIdentity ?? join(config.home, 'keys', 'audit-checkpoint'),
  };
}

/** What stays over all attempts to open the log: its places, its key, and what is known of the control log. */
export class LogOpener {
  readonly #platform: Platform;
  readonly #config: AuditConfig;
  readonly #places: ReturnType<typeof placesOf>;
  #fence: Fence | undefined;
  /** Of the log that was open last. */
  #held: { readonly writer: string; readonly tree: TreeLog } | undefined;

  constructor(config: AuditConfig, platform: Platform) {
    this.#platform = platform;
    this.#config = config;
    this.#places = placesOf(config, { fleet: platform.models.trust.fleet, region: platform.region });
  }

  /**
   * Opens the log as its one writer; undefined while another process is that. Throws what forbids to sign: ROLLED_BACK, FORKED. In this
   * order: the host's lock, the control log to its end, the tree extends all that was ever signed, the claim, and only then is written.
   */
  async open(onRemark: (remark: Remark) => void): Promise<OpenLog | undefined> {
    const { fleet } = this.#platform.models.trust;
    const lock = takeHostLock(join(this.#places.key, fleet, this.#platform.region));
    if (!lock) return undefined;
    using stack = new DisposableStack();
    stack.use(lock);
    const identity = () => checkpointIdentity(this.#places.key);
    const key = logKey(this.#places.origin, identity());
    const fence = (this.#fence ??= this.#newFence(key, identity));
    await fence.join();
    const parts = this.#parts(stack, fence, key, identity, onRemark);
    const known = await parts.tree.examine(fence.highest);
    if (!(await fence.claim(lock.writer, known?.note ?? null))) return undefined;
    // Between the look and the claim another may have written.
    await parts.writer.open(fence.highest);
    await parts.keys.write(VERIFIER_KEY_PATH, Buffer.from(`${encodeVerifierKey(key.key)}\n`));
    this.#held = { writer: lock.writer, tree: parts.tree };
    const beating = setInterval(() => void this.#beat(fence, lock.writer, parts.tree), this.#beatMs);
    stack.defer(() => clearInterval(beating));
    const kept = stack.move();
    const { bus, log } = this.#platform;
    return { ...parts, feed: jetstreamFeed(bus, log), [Symbol.dispose]: () => kept.dispose() };
  }

  /** Gives the right to write back. */
  async close(): Promise<void> {
    await this.#fence?.close(this.#held?.writer, this.#held?.tree.checkpoint.note);
  }

  #newFence(key: LogKey, identity: () => RoleIdentity): Fence {
    const { bus, log, region, clock, models } = this.#platform;
    const { auditLeaseMs: leaseMs, natsReplicas: replicas } = this.#config;
    const trust = roleTrust(models.trust);
    const terms = termLog({ bus, journal: log, replicas, region, trust, key: key.key, identity });
    return new Fence({ log: terms, clock, boot: newBoot(), leaseMs });
  }

  #parts(stack: DisposableStack, fence: Fence, key: LogKey, identity: () => RoleIdentity, onRemark: (remark: Remark) => void) {
    const { bus, clock, ids, log, region, models } = this.#platform;
    const { fleet, generation } = models.trust;
    const places = this.#places;
    const mayWrite = () => fence.check();
    const keys = diskFolder(join(places.key, fleet, region));
    const tree = new TreeLog(diskFolder(places.log), keys, key, mayWrite);
    mkdirSync(places.log, { recursive: true, mode: 0o700 });
    const index = sqliteIndex(join(places.log, 'index.sqlite'));
    stack.defer(() => index.close());
    const receipts = natsReceipts({ bus, log, tree, of: { fleet, generation }, identity });
    const view = verificationLogFile(places.view, places.origin);
    const trust = roleTrust(models.trust);
    const onComplaint = ({ producer, facts }: AuditEntry) =>
      bus.alert('critical', 'the audit log contradicts what it has acknowledged', [
        String(facts['code']),
        producer,
        String(facts['because']),
      ]);
    const writer = new Writer({ log: tree, trust, index, receipts, view, clock, ids, mayWrite, onRemark, onComplaint });
    return { tree, keys, index, writer };
  }

  get #beatMs(): number {
    return Math.min(BEAT_MS_MAX, this.#config.auditLeaseMs / BEATS_A_LEASE);
  }

  async #beat(fence: Fence, writer: string, tree: TreeLog): Promise<void> {
    try {
      await fence.beat(writer, tree.checkpoint.note);
    } catch (error) {
      this.#platform.log.warn('the control log does not take the word that this process writes the log', { error });
    }
  }
}
