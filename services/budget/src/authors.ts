export type AuthorsDump = readonly (readonly [string, { readonly boot: number; readonly counter: number }])[];

/** Who has written into the log, and how far each has come: an older life and a replayed entry are refused. */
export class Authors {
  readonly #known: Map<string, { readonly boot: number; readonly counter: number }>;

  constructor(dump: AuthorsDump = []) {
    this.#known = new Map(dump);
  }

  dump(): AuthorsDump {
    return [...this.#known];
  }

  /** Admits an entry, or says why not. */
  admit({
    replica,
    boot,
    counter,
  }: {
    readonly replica: string;
    readonly boot: number;
    readonly counter: number;
  }): 'older-boot' | 'replayed' | undefined {
    const known = this.#known.get(replica);
    if (known && boot < known.boot) return 'older-boot';
    if (known && boot === known.boot && counter <= known.counter) return 'replayed';
    this.#known.set(replica, { boot, counter });
    return undefined;
  }

  /** The newest life of a replica; undefined for one that has never written. */
  boot(replica: string): number | undefined {
    return this.#known.get(replica)?.boot;
  }
}
