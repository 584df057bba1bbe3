/** One change that a named test must notice. */
export interface Mutant {
  readonly name: string;
  /** Where, from the root of the repository. */
  readonly file: string;
  /** Text that stands there exactly once. */
  readonly find: string;
  readonly put: string;
  /** The test file that is run. */
  readonly test: string;
  /** What its output must name when it fails: a predicate or a test's name. */
  readonly red: string;
  /** Only the test of that name is run: the change hangs others of its file until they time out. */
  readonly alone?: true;
}
