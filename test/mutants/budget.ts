import type { Mutant } from './mutant.ts';

const LEDGER = 'services/budget/src/ledger.ts';
const SIMULATION = 'test/spec/budget/budget.test.ts';
const UNIT = 'services/budget/src/ledger.test.ts';

/** What somebody might change in the budget by mistake, and the test that must notice. */
export const budgetMutants: readonly Mutant[] = [
  {
    name: 'grants without looking at the limit',
    file: LEDGER,
    find: 'wanted > 0 && this.#out(limit, atMs) + wanted > limit.limit',
    put: 'wanted > limit.limit',
    test: SIMULATION,
    red: 'cap:',
  },
  {
    name: 'counts what is charged, but not what is reserved',
    file: LEDGER,
    find: 'return charged + reserved;',
    put: 'return charged;',
    test: SIMULATION,
    red: 'cap:',
  },
  {
    name: 'frees everything at expiry, whatever the holder covered',
    file: LEDGER,
    find: "this.#close(reservation, reservation.covered, 'expiry')",
    put: "this.#close(reservation, {}, 'expiry')",
    test: SIMULATION,
    red: 're-addition:',
  },
  {
    name: 'never expires',
    file: LEDGER,
    find: 'if (tidyDue) this.#expire();',
    put: '',
    test: SIMULATION,
    red: 're-addition:',
  },
  {
    name: 'emits before it is covered',
    file: 'test/spec/budget/history.ts',
    find: 'Math.min(1 + this.#chance.below(10), holder.covered - holder.emitted)',
    put: '1 + this.#chance.below(10)',
    test: SIMULATION,
    red: 'holder:',
  },
  {
    name: 'holds twice for one key',
    file: LEDGER,
    find: "if (known) return known.closed ? rejected('closed-reservation') : granted(known);",
    put: '',
    test: UNIT,
    red: 'holds once for a key',
  },
  {
    name: 'books a second settlement',
    file: LEDGER,
    find: "if (closed.by === 'holder') return closed.outcome;",
    put: "if (closed.by === 'holder') return this.#close(reservation, spent, 'holder');",
    test: UNIT,
    red: 'the second settlement changes nothing',
  },
  {
    name: 'takes entries of an older life and replayed ones',
    file: LEDGER,
    find: 'const fault = this.#authors.admit(entry);',
    put: 'const fault = this.#authors.admit(entry) && undefined;',
    test: UNIT,
    red: 'refuses an older life',
  },
  {
    name: 'lets the log’s time step back',
    file: LEDGER,
    find: 'if (toMs <= this.#timeMs) return;',
    put: '',
    test: SIMULATION,
    red: 're-addition:',
  },
  {
    name: 'believes any server clock',
    file: LEDGER,
    find: 'this.#advance(Math.min(streamMs, atMs + CLOCK_AHEAD_MS_MAX));',
    put: 'this.#advance(streamMs);',
    test: UNIT,
    red: 'is not frozen by a server clock',
  },
  {
    name: 'ignores a lowered limit',
    file: LEDGER,
    find: "return { kind: 'limit-set', previous: this.#terms.set(command.limit) };",
    put: "return { kind: 'limit-set', previous: undefined };",
    test: SIMULATION,
    red: 'cap:',
  },
  {
    name: 'goes on granting after entries were lost',
    file: LEDGER,
    find: "if (this.#timeMs < this.#grantsFromMs) return rejected('recovering');",
    put: '',
    test: 'services/budget/src/accountant.test.ts',
    red: 'is found by who had read it',
  },
];
