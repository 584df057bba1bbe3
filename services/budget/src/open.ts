import type { Platform } from '@smartlite/chassis';
import { roleTrust } from '@smartlite/trust';
import { Accountant } from './accountant.ts';
import type { budgetConfig } from './config.ts';
import { limitsOfPack } from './packlimits.ts';
import { ledgerStream } from './stores/ledgerstream.ts';

const INCARNATION_BYTES = 16;

/** Reads the ledger and brings this pack's limits into it; resolves when this replica can decide. */
export async function openAccountant(
  platform: Platform,
  { natsReplicas: replicas, ledgerSnapshotEvery: snapshotEvery }: ReturnType<typeof budgetConfig>,
): Promise<Accountant> {
  const { bus, clock, ids, identity, instance, log, metrics, models, stopping } = platform;
  const foreign = metrics.counter('budget_foreign_entries_total', 'messages in the ledger that no budget service has signed');
  const { lock, pack } = await models.verify();
  const accountant = new Accountant({
    log: ledgerStream({ bus, journal: log, replicas, snapshotEvery }),
    clock,
    replica: instance,
    identity,
    trust: roleTrust(models.trust),
    pack: { generation: lock.generation, sequence: lock.sequence, limits: limitsOfPack(pack) },
    snapshotEvery,
    newIncarnation: () => Buffer.from(ids.bytes(INCARNATION_BYTES)).toString('hex'),
    journal: log,
    onForeign(position, because) {
      foreign.inc();
      log.error('a message of the ledger is not its own and changes nothing', { position, because });
    },
    onLost(lastPosition) {
      log.error('the ledger is not the one that was read before; nothing is granted until what was held has ended', {
        lastPosition,
      });
      bus.alert('critical', 'the budget’s ledger has lost entries', [
        `it now ends at ${lastPosition}; nothing is granted for ten minutes, and spending since then may be missing`,
        'limits that operators had set may be missing, too: look with smartlite budget usage, and set them again',
      ]);
    },
  });
  await accountant.open(stopping);
  return accountant;
}
