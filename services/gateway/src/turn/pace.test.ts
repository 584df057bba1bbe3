import { MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { Pace, type PacedTurn } from './pace.ts';

/** A machine that does so much work in a millisecond and shares it among all turns that it has. */
class Machine {
  nowMs = 0;
  readonly pace = new Pace(() => this.nowMs);
  readonly #turns: { readonly turn: PacedTurn; readonly dueMs: number; left: number }[] = [];
  readonly answered: number[] = [];
  late = 0;
  refused: MeshError[] = [];

  readonly #perMs: number;

  constructor(perMs: number) {
    this.#perMs = perMs;
  }

  arrive(workMs: number, waitsMs: number): void {
    const turn = this.pace.turn();
    try {
      turn.begin(waitsMs);
      this.#turns.push({ turn, dueMs: this.nowMs + waitsMs, left: workMs });
    } catch (caught) {
      this.refused.push(MeshError.from(caught));
    }
  }

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += 1) {
      const each = Math.min(1, this.#perMs / this.#turns.length);
      for (const turn of this.#turns.slice()) {
        turn.left -= each;
        if (turn.left > 0 && this.nowMs < turn.dueMs) continue;
        this.#turns.splice(this.#turns.indexOf(turn), 1);
        turn.turn.end(true);
        if (turn.left > 0) this.late += 1;
        else this.answered.push(this.nowMs);
      }
    }
  }
}

describe('the pace of a machine that has answered a few turns', () => {
  const known = () => {
    const machine = new Machine(2);
    for (let turn = 0; turn < 5; turn += 1) {
      machine.arrive(500, 10_000);
      machine.run(1_000);
    }
    return machine;
  };

  it('refuses at once what could not be answered in time, and answers in time what it lets in', () => {
    const machine = known();
    for (let turn = 0; turn < 60; turn += 1) machine.arrive(500, 3_000);
    expect(machine.refused.length).toBeGreaterThan(40);
    machine.run(5_000);
    expect(machine.late).toBe(0);
    expect(machine.answered.length).toBeGreaterThanOrEqual(5 + 5);
    const [first] = machine.refused;
    expect(first?.code).toBe('overloaded');
    expect(first?.retryAfterMs).toBeGreaterThan(0);
  });

  it('lets in as much as the machine can do, wave after wave, and hardly anything late', () => {
    const machine = known();
    for (let wave = 0; wave < 50; wave += 1) {
      for (let turn = 0; turn < 4; turn += 1) machine.arrive(500, 3_000);
      machine.run(500);
    }
    machine.run(10_000);
    // Two processors do 2 x 25,000 ms of work in this time, which is 100 turns.
    expect(machine.answered.length - 5).toBeGreaterThan(75);
    expect(machine.late).toBeLessThan(10);
  });

  it('refuses nobody who waits long enough, nor anybody whose turn comes alone', () => {
    const machine = known();
    for (let turn = 0; turn < 100; turn += 1) machine.arrive(500, 180_000);
    machine.run(60_000);
    machine.arrive(500, 600);
    machine.run(1_000);
    expect([machine.refused.length, machine.late, machine.answered.length]).toEqual([0, 0, 106]);
  });
});

describe('the pace of a machine', () => {
  it('that has answered nobody refuses nobody: nothing is known', () => {
    const machine = new Machine(1);
    for (let turn = 0; turn < 10; turn += 1) machine.arrive(500, 1);
    expect(machine.refused).toEqual([]);
  });

  it('does not count the time in which clients hold back their answers', () => {
    const machine = new Machine(1);
    const turn = machine.pace.turn();
    turn.begin(1_000);
    machine.nowMs += 100;
    turn.hold();
    machine.nowMs += 60_000;
    turn.goOn();
    machine.nowMs += 100;
    turn.end(true);
    machine.pace.turn().begin(1);
    expect(() => machine.pace.turn().begin(300)).toThrow('takes about 400 ms');
  });

  it('learns nothing from a turn that says nothing, and counts it out', () => {
    const machine = new Machine(1);
    const turn = machine.pace.turn();
    turn.begin(1_000);
    machine.nowMs += 100;
    turn.end(false);
    turn.end(true);
    machine.pace.turn().begin(1);
    machine.pace.turn().begin(1);
  });

  it('that was slow once lets in whoever comes alone, and learns that it is quick again', () => {
    const machine = new Machine(1);
    machine.arrive(20_000, 60_000);
    machine.run(20_001);
    for (let turn = 0; turn < 20; turn += 1) {
      machine.arrive(100, 1_000);
      machine.run(200);
    }
    machine.arrive(100, 1_000);
    machine.arrive(100, 1_000);
    expect(machine.refused).toEqual([]);
  });
});
