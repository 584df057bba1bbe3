import { sha256Hex } from '../digest.ts';
import { foldAlarm, foldConflict } from './alarmfold.ts';
import { type ControlState, remember } from './controlstate.ts';
import { type Author, dethrone, foldCampaign, isLeader } from './election.ts';
import type { ControlBody, ControlEntry, Placed } from './entry.ts';
import { foldFailure, foldQuarantine, foldWitness } from './failures.ts';
import { foldOrder } from './orderfold.ts';
import { closeGate, foldRelease } from './release.ts';
import { foldBegin, foldVerification } from './verificationfold.ts';

/** One message further. Total: whatever lies in the log, the fold goes on. */
export function foldControl(state: ControlState, placed: Placed): ControlState {
  if (placed.position <= state.position) return state;
  const step = state.stampMs === 0 ? 0 : Math.max(0, placed.atMs - state.stampMs);
  const at = { ...state, position: placed.position, logMs: state.logMs + step, stampMs: placed.atMs };
  const chained = placed.lasting
    ? { ...at, chained: placed.position, head: sha256Hex(Buffer.from(state.head + placed.digest, 'hex')) }
    : at;
  return closeGate(foldMessage(chained, placed.message));
}

function foldMessage(state: ControlState, message: Placed['message']): ControlState {
  switch (message.kind) {
    case 'entry':
      return foldEntry(state, message.entry, message.keyId);
    case 'alarm':
      return message.conflict === null
        ? { ...state, ...foldAlarm(state, message.signed) }
        : dethrone({ ...state, ...foldConflict(state, message.signed, message.conflict) });
    case 'witness':
      return { ...state, ...foldWitness(state, message.signed) };
    case 'order':
      return { ...state, ...foldOrder(state, message.signed) };
    case 'noise':
      return state;
  }
}

function foldEntry(state: ControlState, entry: ControlEntry, keyId: string): ControlState {
  if (entry.body.kind === 'open')
    return state.incarnation === null ? { ...state, incarnation: entry.incarnation, rules: entry.body } : state;
  const boot = `${keyId}.${entry.boot}`;
  if (entry.incarnation !== state.incarnation || entry.counter <= (state.counters.get(boot) ?? -1)) return state;
  return foldBody({ ...state, counters: remember(state.counters, boot, entry.counter) }, entry.body, {
    instance: entry.author,
    keyId,
    boot: entry.boot,
  });
}

function foldBody(state: ControlState, body: ControlBody, author: Author): ControlState {
  const leads = 'epoch' in body && isLeader(state, author, body.epoch);
  switch (body.kind) {
    case 'open':
      return state;
    case 'campaign':
      return foldCampaign(state, body, author);
    case 'beat':
      return leads && state.leader !== null ? { ...state, leader: { ...state.leader, lastBeatMs: state.logMs } } : state;
    case 'resign':
      return leads && state.leader !== null ? { ...state, leader: { ...state.leader, resigned: true } } : state;
    case 'failure':
      return { ...state, ...foldFailure(state, body.failure) };
    case 'begin':
      return foldBegin(state, body, author);
    case 'end':
      return foldVerification(state, body, author);
    case 'release':
      return leads ? foldRelease(state, body) : state;
    case 'quarantine':
      return leads ? { ...state, ...foldQuarantine(state, body.store) } : state;
  }
}
