import type { Mutant } from './mutant.ts';

const AUDIT = 'services/audit/src';

/** Changes of the trail, and the test that must notice. Nothing prunes it, so pruning by the own clock has no place to be made. */
export const auditMutants: readonly Mutant[] = [
  {
    name: 'knows an entry again only while its batch is under way (dedupe by window)',
    file: `${AUDIT}/sequencer.ts`,
    find: 'const logged = this.#fresh.get(entry.id) ?? this.#known(entry.id);',
    put: 'const logged = this.#fresh.get(entry.id);',
    test: `${AUDIT}/sequencer.test.ts`,
    red: 'are logged once each, in their producers’ order',
  },
  {
    name: 'signs without looking whether the tree extends what was signed',
    file: `${AUDIT}/treelog.ts`,
    find: 'for (const checkpoint of known) if (checkpoint.size > 0) await this.#prove(checkpoint);',
    put: 'for (const checkpoint of known) if (checkpoint.size < 0) await this.#prove(checkpoint);',
    test: `${AUDIT}/treelog.test.ts`,
    red: 'is not continued: a second history under one name would be signed',
  },
  {
    name: 'writes on after the right to write has ended',
    file: `${AUDIT}/fence.ts`,
    find: "if (this.#tenure.holder?.boot !== boot) throw lapsed('another process has taken over this log');",
    put: '',
    test: `${AUDIT}/fence.test.ts`,
    red: 'one writes; the other waits for a whole lease after its last word',
  },
  {
    name: 'forgets what was signed when the control log is wiped',
    file: `${AUDIT}/fence.ts`,
    find: 'this.#tenure = { ...NO_TENURE, highest, forked };',
    put: 'this.#tenure = { ...NO_TENURE, highest: undefined, forked: highest && forked };',
    test: `${AUDIT}/fence.test.ts`,
    red: 'is remembered when the control log is wiped, and the right is claimed anew',
  },
  {
    name: 'repeats an attacker’s words at any length',
    file: `${AUDIT}/entry.ts`,
    find: 'return shown(entry, BECAUSE_CHARS_MAX);',
    put: 'return entry;',
    test: `${AUDIT}/hostile.test.ts`,
    red: 'names a fact so that its refusal would be no entry',
  },
];
