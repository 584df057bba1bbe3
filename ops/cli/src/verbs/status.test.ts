import type { Mode } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { fleetMode, modelsOf } from './status.ts';

const lock = (mode: Mode) => ({ mode, epoch: 1, revision: 1, lockSequence: 1, reasons: [] });
const instances = (...modes: Mode[]) =>
  modes.map((mode) => ({
    service: 'asr',
    id: 'asr-1',
    region: 'local',
    mode,
    epochApplied: 1,
    pid: 1,
    grpc: '',
    metrics: '',
    inflight: 0,
    queued: 0,
    models: ['base'],
    breakers: [],
  }));

describe('the fleet’s mode', () => {
  it('is what the last lock status says, when all follow it', () => {
    expect(fleetMode(lock('normal'), instances('normal', 'normal'))).toBe('normal');
  });

  it('is starting before the first status', () => {
    expect(fleetMode(undefined, [])).toBe('starting');
  });

  it('is safe when an instance’s lease has run out, whatever the last status said', () => {
    expect(fleetMode(lock('normal'), instances('normal', 'safe'))).toBe('safe');
  });

  it('is not held back by an instance that is just starting', () => {
    expect(fleetMode(lock('normal'), instances('normal', 'starting'))).toBe('normal');
  });

  it('is halted as soon as anybody is', () => {
    expect(fleetMode(lock('safe'), instances('halted', 'safe'))).toBe('halted');
  });
});

describe('the models of the fleet', () => {
  it('have the state of their breaker, and why, also when their engine was ended', () => {
    const [instance] = instances('normal');
    const breakers = [{ model: 'gone', state: 'open' as const, because: 'it was silent' }];
    expect(modelsOf(instance ? [{ ...instance, breakers }] : [])).toEqual([
      { id: 'base', service: 'asr', instance: 'asr-1', breaker: 'closed' },
      { id: 'gone', service: 'asr', instance: 'asr-1', breaker: 'open', because: 'it was silent' },
    ]);
  });
});
