import { passes, type Report } from './report.ts';
import { type RuntimeState, writeRuntimeState } from './stores/runtimestate.ts';

/** What is new about the runtime. */
export interface StateNews {
  readonly mode?: string;
  readonly reasons?: readonly string[];
  readonly report?: Report;
  /** Whether this verifier leads now; only a leader writes. */
  readonly leading?: boolean;
}

/** Keeps the lock's `runtime_state` up to date while this verifier leads, one write after the other. */
export function stateKeeper(lockFile: string, instance: string, now: () => number): (news: StateNews) => void {
  let state: RuntimeState = { mode: 'starting', verified_at: null, verification: null, reasons: [], written_by: instance };
  let leading = false;
  let last: Promise<unknown> = Promise.resolve();
  return (news) => {
    leading = news.leading ?? leading;
    state = {
      ...state,
      ...(news.mode !== undefined && { mode: news.mode }),
      ...(news.reasons && { reasons: news.reasons }),
      ...(news.report && verificationOf(news.report, now())),
    };
    const next = state;
    if (leading && next.mode !== 'starting') last = last.then(() => writeRuntimeState(lockFile, next));
  };
}

function verificationOf(report: Report, nowMs: number): Pick<RuntimeState, 'verified_at' | 'verification'> {
  return { verified_at: new Date(nowMs).toISOString(), verification: passes(report) ? 'passed' : 'failed' };
}
