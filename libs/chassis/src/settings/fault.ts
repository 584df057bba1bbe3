/** Settings that cannot be used. `faults` has one line for each: the variable, what is wrong, what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** Runs every reader and returns their values, or throws one `SettingsError` with the faults of all. */
export function readTogether<A, B>(first: () => A, second: () => B): readonly [A, B] {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (caught) {
      if (!(caught instanceof SettingsError)) throw caught;
      faults.push(...caught.faults);
      return undefined;
    }
  };
  const values = [attempt(first), attempt(second)] as const;
  if (faults.length > 0) throw new SettingsError([...new Set(faults)]);
  return values as readonly [A, B];
}
