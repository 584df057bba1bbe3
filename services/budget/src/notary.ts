import { type RoleTrust, TrustError, verifyDetached } from '@smartlite/trust';
import { CLOCK_AHEAD_MS_MAX } from './ledger.ts';
import { type Page, parsePage, type SealedPage } from './page.ts';

/** Whose instances write the ledger: the subject of their certificate begins so. Another service's key writes nothing here. */
export const AUTHORS = 'budget-';

export interface NotaryDump {
  readonly timeMs: number;
  /** By key id: PEM, leaf first. */
  readonly chains: readonly (readonly [string, readonly string[]])[];
}

/**
 * Opens the log's pages: each is signed by the instance of the budget that it names, under a certificate that was valid when it was
 * written. Pure, and the same for all replicas of one trust document: what one refuses, all refuse.
 */
export class Notary {
  readonly #trust: RoleTrust;
  readonly #chains: Map<string, readonly string[]>;
  #timeMs: number;

  constructor(trust: RoleTrust, { chains, timeMs }: NotaryDump = { chains: [], timeMs: 0 }) {
    this.#trust = trust;
    this.#chains = new Map(chains);
    this.#timeMs = timeMs;
  }

  dump(): NotaryDump {
    return { timeMs: this.#timeMs, chains: [...this.#chains] };
  }

  /** The page, or why it is refused. `streamMs` is the log's timestamp of it. */
  open({ body, seal }: SealedPage, streamMs: number): Page | { readonly refused: string } {
    if (!seal) return { refused: 'SIGNATURE_MISSING: the message is not signed' };
    const page = parsePage(body);
    if (!page) return { refused: 'the message is no page of a ledger' };
    // As the ledger counts: a server clock that runs ahead must not end every certificate.
    const atMs = Math.max(this.#timeMs, Math.min(streamMs, page.atMs + CLOCK_AHEAD_MS_MAX));
    const chain = seal.certificates ?? this.#chains.get(seal.keyId) ?? [];
    try {
      const key = this.#trust.role(chain, ['instance'], atMs);
      if (key.keyId !== seal.keyId) throw new TrustError('SIGNATURE_INVALID', 'the page names another key than its certificate');
      if (key.subject !== page.replica || !key.subject.startsWith(AUTHORS))
        throw new TrustError('KEY_WRONG_ROLE', `${key.subject} writes in the name of ${page.replica}`);
      verifyDetached('ledger-page', body, seal.signature, key);
    } catch (caught) {
      if (!(caught instanceof TrustError)) throw caught;
      return { refused: `${caught.code}: ${caught.message}` };
    }
    this.#chains.set(seal.keyId, chain);
    this.#timeMs = atMs;
    return page;
  }
}
