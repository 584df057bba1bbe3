import type { Bus, Log } from '@smartlite/chassis';
import { SUBJECTS } from '@smartlite/contracts';
import { RECEIPT_ENTRIES_MAX, type RoleIdentity, signReceipt } from '@smartlite/trust';
import type { Receipts } from '../engine.ts';
import type { TreeLog } from '../treelog.ts';

export interface ReceiptParts {
  readonly bus: Bus;
  readonly log: Log;
  readonly tree: TreeLog;
  readonly of: { readonly fleet: string; readonly generation: number };
  readonly identity: () => RoleIdentity;
}

/** Signed receipts on each producer's own subject. */
export function natsReceipts({ bus, log, tree, of, identity }: ReceiptParts): Receipts {
  return {
    send(logged) {
      try {
        const signer = identity();
        const { origin, size, root } = tree.checkpoint;
        for (const [producer, lines] of Map.groupBy(logged, (line) => line.producer)) {
          for (let first = 0; first < lines.length; first += RECEIPT_ENTRIES_MAX) {
            const entries = lines
              .slice(first, first + RECEIPT_ENTRIES_MAX)
              .map(({ id, index, digest }) => ({ id, index, digest }));
            const receipt = { origin, producer, size, root: Buffer.from(root).toString('hex'), entries };
            bus.nats.publish(SUBJECTS.auditReceipt(producer), signReceipt(receipt, of, signer));
          }
        }
      } catch (error) {
        // The entries are logged. Their producers hear nothing, send again, and are told then.
        log.warn('receipts could not be sent', { error });
      }
    },
  };
}
