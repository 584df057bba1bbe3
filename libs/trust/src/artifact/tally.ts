import { type Finding, TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { refuse } from './open.ts';
import type { HashedPiece } from './piece.ts';
import { treeRoot } from './tree.ts';

export interface ArtifactOutcome {
  readonly id: string;
  readonly path: string;
  readonly state: 'verified' | 'refused' | 'missing';
  /** SHA-256 of what was read, proven by the flat digest or by the signed tree; undefined when it is not what was signed. */
  readonly sha256: Buffer | undefined;
}

/** Gathers the pieces of one artifact and judges it when all are there. */
export class Tally {
  readonly entry: ManifestEntry;
  readonly #pieces: HashedPiece[] = [];
  #refusal: TrustError | undefined;

  constructor(entry: ManifestEntry) {
    this.entry = entry;
  }

  /** One finding is enough: the rest of the artifact need not be read. */
  get refused(): boolean {
    return this.#refusal !== undefined;
  }

  /** Takes what a piece hashed to, or why it did not. Throws what is no finding. */
  async take(piece: Promise<HashedPiece>): Promise<void> {
    try {
      this.#pieces.push(await piece);
    } catch (caught) {
      if (!(caught instanceof TrustError)) throw caught;
      this.#refusal ??= caught;
    }
  }

  judge(): { readonly outcome: ArtifactOutcome; readonly findings: readonly Finding[] } {
    const { id, path } = this.entry;
    try {
      if (this.#refusal) throw this.#refusal;
      this.#assertSigned();
      return { outcome: { id, path, state: 'verified', sha256: Buffer.from(this.entry.sha256, 'hex') }, findings: [] };
    } catch (caught) {
      if (!(caught instanceof TrustError)) throw caught;
      const state = caught.code === 'ARTIFACT_MISSING' ? 'missing' : 'refused';
      return { outcome: { id, path, state, sha256: undefined }, findings: caught.findings };
    }
  }

  #assertSigned(): void {
    const chunks = this.#pieces.filter((piece) => piece.kind === 'chunks');
    if (chunks.length > 0) return this.#assertTree(chunks);
    const [piece] = this.#pieces;
    if (piece === undefined || piece.kind === 'chunks') throw new Error(`artifact ${this.entry.id} was not hashed`);
    if (hex(piece.sha256) !== this.entry.sha256) throw mismatch(this.entry);
    if (piece.kind === 'both' && hex(piece.tree) !== this.entry.tree)
      throw refuse('TREE_MISMATCH', this.entry, 'matches its digest but not its tree: the lock contradicts itself, sign it anew');
  }

  #assertTree(chunks: readonly Extract<HashedPiece, { kind: 'chunks' }>[]): void {
    if (new Set(chunks.map(({ state }) => state)).size > 1)
      throw refuse('CHANGED_WHILE_READ', this.entry, 'was changed or exchanged while it was read');
    const inOrder = chunks.toSorted((a, b) => a.first - b.first);
    const leaves = inOrder.flatMap((piece) => piece.leaves.map((leaf) => Buffer.from(leaf)));
    if (hex(treeRoot(leaves)) !== this.entry.tree) throw mismatch(this.entry);
  }
}

function mismatch(entry: ManifestEntry): TrustError {
  return refuse('DIGEST_MISMATCH', entry, 'does not match the lock: restore the file, or sign the new one');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
