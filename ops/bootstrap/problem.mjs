/** Something that only the user can mend: one line on what is wrong, one on what to do. */
export class Problem extends Error {
  constructor(what, remedy) {
    super(what);
    this.remedy = remedy;
  }
}

/** Runs a command's main function; a Problem becomes two clear lines and exit code 1. */
export async function mainOf(main) {
  try {
    process.exitCode = await main();
  } catch (caught) {
    if (!(caught instanceof Problem)) throw caught;
    console.error(`\n${caught.message}\n${caught.remedy}`);
    process.exitCode = 1;
  }
}
