import { defineService, implement } from '@smartlite/chassis';
import { MeshError, VerifierServiceService } from '@smartlite/contracts';
import { openAlarm, openOrder } from '@smartlite/trust';
import { verifierConfig } from './config.ts';
import { appliedMessage, reportMessage } from './message.ts';
import { type Opened, openVerifier } from './open.ts';

/** Verifies lock and artifacts, holds the fleet's verdict, and tells it: one leads, the others stand by and vouch for their own disks. */
export const verifier = defineService({
  name: 'verifier',
  config: verifierConfig,

  wire(config, platform) {
    let opened: Opened | undefined;
    const running = (): Opened => {
      if (opened === undefined) throw new MeshError('starting', 'the verifier is still starting', { retryAfterMs: 500 });
      return opened;
    };

    return {
      grpc: [
        // Everything here is about trust itself, so it must run when there is none.
        implement(VerifierServiceService, {
          getStatus: {
            inSafeMode: 'serve',
            async handle() {
              const { verifier } = running();
              return {
                signedStatus: Buffer.from(verifier.status?.envelope ?? []),
                leader: verifier.status?.status.leader ?? '',
                applied: verifier.applied().map(appliedMessage),
              };
            },
          },
          verify: {
            inSafeMode: 'serve',
            async handle(_request, call) {
              const { verifier } = running();
              const report = await verifier.verify(call.signal);
              platform.trail.record(
                'operator.command',
                { command: 'verify' },
                { traceId: call.traceId, actor: call.caller.user },
              );
              return reportMessage(report, verifier.control);
            },
          },
          raiseAlarm: {
            inSafeMode: 'serve',
            async handle({ signedAlarm }) {
              const { trust, relay } = running();
              proven(() => openAlarm(signedAlarm, trust, platform.clock.nowMs()));
              await relay(signedAlarm);
              return {};
            },
          },
          order: {
            inSafeMode: 'serve',
            async handle({ signedOrder }, call) {
              const { verifier, trust, outcomeOf } = running();
              const order = proven(() => openOrder(signedOrder, trust, platform.clock.nowMs()));
              await verifier.submit(signedOrder, call.signal);
              const mode = outcomeOf(order);
              platform.trail.record(
                'mode.ordered',
                { order: order.id, action: order.order.action, mode },
                { traceId: call.traceId, actor: order.operator },
              );
              return { mode };
            },
          },
        }),
      ],
      facts: () => ({
        inflight: 0,
        queued: 0,
        models: [],
        ...(opened?.verifier.lastReport === null && { notReady: 'the first full verification is under way' }),
      }),
      async start() {
        opened = await openVerifier(config, platform);
      },
      async close() {
        await opened?.verifier.close();
      },
    };
  },
});

/** Bytes from outside: what cannot be proven is the caller's fault. */
function proven<T>(open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new MeshError('permission-denied', cause instanceof Error ? cause.message : 'the signature does not hold', { cause });
  }
}
