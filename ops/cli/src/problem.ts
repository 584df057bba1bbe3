/** Exit codes of the contract: the answer is no; misuse or unreadable input. */
export type ExitCode = 1 | 2;

/** Something that the user can mend. The message says what is wrong and where, the remedy what to do. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly remedy: string;
  readonly exitCode: ExitCode;

  constructor(message: string, remedy: string, { exitCode = 1, cause }: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}
