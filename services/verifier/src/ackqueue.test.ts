import { describe, expect, it } from 'vitest';
import { AckQueue } from './ackqueue.ts';

const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const ack = (number: number) => Buffer.from(String(number));

describe('acks of a large fleet', () => {
  it('are verified a few at a time, in the order of their arrival, with the moment at which they came', () => {
    const verified: [string, number][] = [];
    const queue = new AckQueue((bytes, { monotonicMs }) => verified.push([Buffer.from(bytes).toString(), monotonicMs]));
    for (let number = 0; number < 100; number += 1) queue.add(ack(number), at(number));
    expect(verified).toEqual([]);
    expect(queue.drain()).toBe(true);
    expect(verified.length).toBeLessThan(50);
    while (queue.drain());
    expect(verified).toEqual(Array.from({ length: 100 }, (_, number) => [String(number), number]));
  });

  it('are passed over where a flood has filled the queue, and taken again afterwards', () => {
    const queue = new AckQueue(() => {});
    let taken = 0;
    while (queue.add(ack(taken), at(0))) taken += 1;
    expect(taken).toBeLessThan(100_000);
    queue.drain();
    expect(queue.add(ack(0), at(0))).toBe(true);
  });
});
