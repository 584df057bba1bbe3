import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Platform } from '@smartlite/chassis';
import { encodeVerifierKey } from '@smartlite/tlog';
import { roleTrust } from '@smartlite/trust';
import type { AuditConfig } from './config.ts';
import type { Feed, Index } from './engine.ts';
import type { Remark } from './sequencer.ts';
import { diskFolder } from './stores/disk.ts';
import { jetstreamFeed } from './stores/feed.ts';
import { takeFence } from './stores/fence.ts';
import { sqliteIndex } from './stores/index.ts';
import { checkpointIdentity, logKey } from './stores/key.ts';
import { natsReceipts } from './stores/receipts.ts';
import { verificationLogFile } from './stores/verificationlog.ts';
import { TreeLog } from './treelog.ts';
import { Writer } from './writer.ts';

/** Name of the file with the log's public key, beside the private one. */
export const VERIFIER_KEY_PATH = 'log.vkey';

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

/** Opens the log as its one writer; undefined while another process is that. Throws what forbids to sign: ROLLED_BACK, FORKED. */
export async function openLog(
  config: AuditConfig,
  platform: Platform,
  onRemark: (remark: Remark) => void,
): Promise<OpenLog | undefined> {
  const { bus, clock, ids, log, region } = platform;
  const { fleet, generation } = platform.models.trust;
  const places = placesOf(config, { fleet, region });
  const fence = takeFence(join(places.key, fleet, region));
  if (!fence) return undefined;
  using stack = new DisposableStack();
  stack.use(fence);
  const identity = () => checkpointIdentity(places.key);
  const key = logKey(places.origin, identity());
  const keys = diskFolder(join(places.key, fleet, region));
  const tree = new TreeLog(diskFolder(places.log), keys, key);
  mkdirSync(places.log, { recursive: true, mode: 0o700 });
  const index = sqliteIndex(join(places.log, 'index.sqlite'));
  stack.defer(() => index.close());
  const receipts = natsReceipts({ bus, log, tree, of: { fleet, generation }, identity });
  const writer = new Writer({
    log: tree,
    trust: roleTrust(platform.models.trust),
    index,
    receipts,
    view: verificationLogFile(places.view, places.origin),
    clock,
    ids,
    onRemark,
  });
  await writer.open();
  await keys.write(VERIFIER_KEY_PATH, Buffer.from(`${encodeVerifierKey(key.key)}\n`));
  const held = stack.move();
  return { tree, index, writer, feed: jetstreamFeed(bus, log), [Symbol.dispose]: () => held.dispose() };
}
