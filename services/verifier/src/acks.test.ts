import type { Ack } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { Acks } from './acks.ts';

const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const order = { generation: 1, epoch: 1, revision: 1 };
const status = (revision: number) => ({ ...order, revision }) as never;
const ack = (instance: string, revision: number): Ack => ({
  service: 'asr',
  instance,
  region: 'local',
  mode: 'normal',
  ...order,
  revision,
  beat: 0,
  lockDigest: null,
  appliedUnixMs: 0,
  openAlarms: [],
});

describe('acks of a decision', () => {
  it('are timed from its broadcast, each instance once', () => {
    const acks = new Acks();
    acks.broadcast(status(1), at(100));
    expect(acks.take(ack('asr-1', 1), at(107))).toBe(7);
    expect(acks.take(ack('asr-1', 1), at(900))).toBeNull();
    expect(acks.list(at(901)).map(({ delayMs }) => delayMs)).toEqual([7]);
  });

  it('of an earlier one do not count for it', () => {
    const acks = new Acks();
    acks.broadcast(status(2), at(0));
    expect(acks.take(ack('asr-1', 1), at(5))).toBeNull();
  });

  it('name each instance that is late, once, and only when it has had its time', () => {
    const acks = new Acks();
    acks.broadcast(status(1), at(0));
    acks.take(ack('asr-1', 1), at(1));
    acks.take(ack('asr-2', 1), at(1));
    acks.broadcast(status(2), at(10_000));
    acks.take(ack('asr-1', 2), at(10_005));
    expect(acks.laggards(at(11_000))).toEqual([]);
    expect(acks.laggards(at(12_001)).map(({ instance }) => instance)).toEqual(['asr-2']);
    expect(acks.laggards(at(12_002))).toEqual([]);
  });

  it('forget an instance that is gone', () => {
    const acks = new Acks();
    acks.broadcast(status(1), at(0));
    acks.take(ack('asr-1', 1), at(1));
    expect(acks.list(at(40_000))).toEqual([]);
  });
});
