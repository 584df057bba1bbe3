import type { StoreWatch } from '../engine.ts';
import type { ReportedFinding } from '../report.ts';

/** Paths in the models' folder under which something has moved; null where nobody knows which. */
export type Suspects = readonly string[] | null;

/**
 * Signs of a change. What is suspected is looked at alone and at once, so that one bad byte is told after its own file has been read and
 * not after all others too; whatever that look says, a full verification follows. One look after the other.
 */
export class Suspicion {
  readonly #look: (suspected: readonly string[]) => Promise<readonly ReportedFinding[]>;
  readonly #on: StoreWatch;
  #suspected = new Set<string>();
  #looking = false;

  constructor(look: (suspected: readonly string[]) => Promise<readonly ReportedFinding[]>, on: StoreWatch) {
    this.#look = look;
    this.#on = on;
  }

  raise(suspects: Suspects): void {
    if (suspects === null) return this.#on.changed();
    for (const path of suspects) this.#suspected.add(path);
    if (!this.#looking) void this.#lookOn();
  }

  async #lookOn(): Promise<void> {
    this.#looking = true;
    while (this.#suspected.size > 0) {
      const suspected = [...this.#suspected];
      this.#suspected = new Set();
      // A look that fails says nothing: the full verification does.
      const findings = await this.#look(suspected).catch(() => []);
      if (findings.length > 0) this.#on.found(findings);
      this.#on.changed();
    }
    this.#looking = false;
  }
}
