import type { Clock } from '@smartlite/chassis';
import { type RoleIdentity, signDetached } from '@smartlite/trust';
import type { LedgerLog } from './engine.ts';
import type { Command } from './entry.ts';
import { encodePage, PAGE_ENTRIES_MAX, type Page } from './page.ts';

/**
 * Pages under way to the log at once. What comes meanwhile shares the next: the fewer under way, the fuller the pages, and each page costs an
 * append and every replica a signature to judge. Two, so that one whose acknowledgement is lost does not hold up all others until it is given up.
 */
const PAGES_MAX = 2;

export interface ScribeParts {
  readonly log: Pick<LedgerLog, 'append'>;
  readonly clock: Clock;
  readonly replica: string;
  readonly identity: () => RoleIdentity;
}

/** Of which log, and which life of this replica. */
export interface Letterhead {
  readonly incarnation: string;
  readonly boot: number;
}

interface Line {
  readonly head: Letterhead;
  readonly counter: number;
  readonly command: Command;
  readonly failed: (cause: unknown) => void;
}

/** Writes this replica's pages: signs them, and appends them in order. */
export class Scribe {
  readonly #parts: ScribeParts;
  #lines: Line[] = [];
  #underWay = 0;
  #due = false;
  /** Certificates that readers of the log have been shown. */
  #shown = '';

  constructor(parts: ScribeParts) {
    this.#parts = parts;
  }

  /** Writes an entry soon. `failed` says that its page may not have been stored; nothing says that it was, but the log itself. */
  write(line: Line): void {
    this.#lines.push(line);
    if (this.#due) return;
    this.#due = true;
    // What is asked for in one turn of the loop shares a page.
    queueMicrotask(() => {
      this.#due = false;
      this.#send();
    });
  }

  /** A page of this replica has come back with these certificates: later ones need not carry them. */
  shown(certificates: readonly string[] | undefined): void {
    if (certificates) this.#shown = certificates.join('');
  }

  /** Whoever reads from now on has not seen the certificates: the log is another one, or begins later. */
  forget(): void {
    this.#shown = '';
  }

  #send(): void {
    while (this.#underWay < PAGES_MAX && this.#lines.length > 0) {
      const lines = this.#nextPage();
      this.#underWay += 1;
      this.#append(lines)
        .catch((cause: unknown) => lines.forEach(({ failed }) => failed(cause)))
        .finally(() => {
          this.#underWay -= 1;
          this.#send();
        });
    }
  }

  /** Lines under one letterhead. */
  #nextPage(): Line[] {
    const [first] = this.#lines;
    const other = this.#lines.findIndex(
      ({ head }) => head.incarnation !== first?.head.incarnation || head.boot !== first.head.boot,
    );
    return this.#lines.splice(0, Math.min(other === -1 ? this.#lines.length : other, PAGE_ENTRIES_MAX));
  }

  async #append(lines: readonly Line[]): Promise<void> {
    const { log, clock, replica, identity } = this.#parts;
    const { incarnation = '', boot = 0 } = lines[0]?.head ?? {};
    const entries = lines.map(({ counter, command }) => ({ counter, command }));
    const page: Page = { incarnation, replica, boot, atMs: clock.nowMs(), entries };
    const body = encodePage(page);
    const own = identity();
    const certificates = this.#shown === own.certificates.join('') ? undefined : own.certificates;
    await log.append({ body, seal: { keyId: own.keyId, signature: signDetached('ledger-page', body, own), certificates } });
  }
}
