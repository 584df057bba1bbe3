import { defineService, implement } from '@smartlite/chassis';
import { AuditServiceService, MeshError } from '@smartlite/contracts';
import { auditConfig } from './config.ts';
import { Keeper } from './keeper.ts';
import { LogOpener } from './open.ts';

const QUERY_LIMIT = 100;
const QUERY_LIMIT_MAX = 10_000;
/** An answer names its entry before it is logged: a proof waits for it this long. */
const PROOF_WAIT_MS = 10_000;

/** The trail: takes entries into a log that outsiders can check, and answers what stands in it. Everything runs in every mode. */
export const audit = defineService({
  name: 'audit',
  config: auditConfig,

  wire(config, platform) {
    const keeper = new Keeper(platform, new LogOpener(config, platform));
    return {
      grpc: [
        implement(AuditServiceService, {
          query: {
            inSafeMode: 'serve',
            async *handle({ id, traceId, service, kind, actor, beforeIndex, fromUnixMs, toUnixMs, limit }) {
              if (limit > QUERY_LIMIT_MAX) throw new MeshError('invalid-argument', `limit: ${limit} is above ${QUERY_LIMIT_MAX}`);
              const { index, tree } = keeper.log;
              const times = { fromUnixMs: Number(fromUnixMs), toUnixMs: Number(toUnixMs), before: Number(beforeIndex) };
              const filter = { id, traceId, service, kind, actor, ...times, limit: limit || QUERY_LIMIT };
              for (const position of index.positions(filter))
                yield { index: BigInt(position), entry: Buffer.from(await tree.entryAt(position)).toString('utf8') };
            },
          },
          prove: {
            inSafeMode: 'serve',
            async handle({ id }, { signal }) {
              if (!id) throw new MeshError('invalid-argument', 'id: name the entry to be proven');
              const patience = AbortSignal.any([signal, AbortSignal.timeout(PROOF_WAIT_MS)]);
              for (let found = keeper.log.index.find(id); ; found = keeper.log.index.find(id)) {
                if (found) return { proof: Buffer.from(await keeper.log.tree.prove(found.position)) };
                if (patience.aborted) throw new MeshError('not-found', `no entry ${id} is in the log`);
                await keeper.grown(patience);
              }
            },
          },
          getCheckpoint: {
            inSafeMode: 'serve',
            async handle() {
              return { checkpoint: keeper.log.tree.checkpoint.note };
            },
          },
        }),
      ],
      facts: () => ({ inflight: 0, queued: 0, models: [], ...(keeper.notReady && { notReady: keeper.notReady }) }),
      start: () => keeper.start(),
      close: () => keeper.close(),
    };
  },
});
