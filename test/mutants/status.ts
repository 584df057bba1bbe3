import type { Mutant } from './mutant.ts';

const TRUST = 'libs/trust/src/status';
const NODE = 'services/verifier/src/node.ts';
const REIGN = 'services/verifier/src/reign.ts';
const SIMULATION = 'test/spec/simulation/status.test.ts';

/** What somebody might change in election, fold and guard by mistake, and the predicate of the simulation that must notice. */
export const statusMutants: readonly Mutant[] = [
  {
    name: 'starts a lease at receipt',
    file: `${TRUST}/guard.ts`,
    find: `  if (!isFresh(signed.status, signed.keyId, state.line, now)) return { kind: 'wants-nonce', state: waiting };
  const next = { ...state, applied: signed,`,
    put: `  if (state.line === null) return { kind: 'wants-nonce', state: waiting };
  const { epoch, issuedLeaderMs } = signed.status;
  const line = { ...state.line, epoch, keyId: signed.keyId, leaderMs: issuedLeaderMs, askedAt: now };
  const next = { ...state, line, applied: signed,`,
    test: SIMULATION,
    red: 'failClosed:',
  },
  {
    name: 'lets every campaign for an epoch win, as compare-and-set does on a replicated stream',
    file: `${TRUST}/election.ts`,
    find: `  if (epoch <= state.epoch ||`,
    put: `  if (epoch === state.epoch && !state.deposedKeys.has(keyId)) return true;
  if (epoch <= state.epoch ||`,
    test: SIMULATION,
    red: 'oneLeader:',
  },
  {
    name: 'takes a beat for seen when it is sent: an unbeaten leader',
    file: REIGN,
    find: `return { ...reign, sent: sent.set(number, leaderMs(reign, now)) };`,
    put: `return { ...reign, coveredMs: leaderMs(reign, now), sent: sent.set(number, leaderMs(reign, now)) };`,
    test: SIMULATION,
    red: 'failClosed:',
  },
  {
    name: 'releases by when a verification ended, not by where it began',
    file: `${TRUST}/release.ts`,
    find: 'state.passed.begin < state.lastFailure',
    put: 'state.passed.end < state.lastFailure',
    test: SIMULATION,
    red: 'earned:',
  },
  {
    name: 'closes failures by their time, not by their place in the log',
    file: `${TRUST}/failures.ts`,
    find: 'record.position < end.begin && !end.standing',
    put: 'record.atMs <= state.logMs && !end.standing',
    test: SIMULATION,
    red: 'earned:',
  },
  {
    name: 'forgets the guard’s own alarms',
    file: `${TRUST}/guard.ts`,
    find: `return { ...state, latches: new Map(state.latches).set(id, { own: true, operator: false, witness: envelope }) };`,
    put: `return id === '' ? { ...state, latches: new Map([[id, { own: true, operator: false, witness: envelope }]]) } : state;`,
    test: SIMULATION,
    red: 'earned:',
  },
  {
    name: 'forgets a SAFE that was told and not logged',
    file: NODE,
    find: `      ...(news.length > 0 ? [{ kind: 'journal', failures: this.#badNews.facts } as const] : []),
`,
    put: '',
    test: SIMULATION,
    red: 'alarmHeard:',
  },
  {
    name: 'does not resign when its clocks have parted',
    file: REIGN,
    find: `  if (partedMs(reign.since, now) > CLOCKS_PARTED_MAX_MS) return "the leader's clocks have parted";
`,
    put: '',
    test: SIMULATION,
    red: 'failClosed:',
  },
  {
    name: 'never asks an operator, however often a subject fails',
    file: `${TRUST}/failurerecord.ts`,
    find: 'const FAILURES_AN_HOUR_MAX = 3;',
    put: 'const FAILURES_AN_HOUR_MAX = 300;',
    test: SIMULATION,
    red: 'calm:',
  },
  {
    name: 'charges nothing for an empty alarm',
    file: `${TRUST}/alarmfold.ts`,
    find: 'const REFUTED_MAX = 2;',
    put: 'const REFUTED_MAX = 200;',
    test: SIMULATION,
    red: 'alarmPriced:',
  },
  {
    name: 'takes a permissive status of an earlier place',
    file: `${TRUST}/guard.ts`,
    find: 'if (state.applied !== null && compareOrder(signed.status, state.applied.status) <= 0)',
    put: 'if (state.applied !== null && compareOrder(signed.status, state.applied.status) === 0)',
    test: SIMULATION,
    red: 'authentic:',
  },
];
