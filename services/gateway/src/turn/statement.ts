import type { AnswerStatement } from '@smartlite/chassis';
import { type SaltedPart, saltedHash } from '@smartlite/trust';

type Digests = Map<SaltedPart, ReturnType<typeof saltedHash>>;

/** What a receipt will say of a request and its answer: digests under a salt that only the caller learns, taken as the bytes pass. */
export class Statement {
  readonly salt: string;
  readonly #request: Digests = new Map();
  readonly #output: Digests = new Map();

  constructor(salt: string) {
    this.salt = salt;
  }

  /** Parts of one name follow each other. */
  request(part: SaltedPart, bytes: Uint8Array | string): void {
    this.#grow(this.#request, part, bytes);
  }

  output(part: SaltedPart, bytes: Uint8Array | string): void {
    this.#grow(this.#output, part, bytes);
  }

  /** The request's audio, as the caller sent it. */
  async *heard<T extends Uint8Array>(audio: AsyncIterable<T>): AsyncIterable<T> {
    for await (const piece of audio) {
      this.request('audio', piece);
      yield piece;
    }
  }

  /** The digests, for the receipt and for the audit entry. Asked for once, at the end. */
  close(): { readonly digests: Pick<AnswerStatement, 'request' | 'output'>; readonly facts: Readonly<Record<string, string>> } {
    const digests = { request: hexOf(this.#request), output: hexOf(this.#output) };
    const facts = Object.fromEntries(
      Object.entries(digests).flatMap(([of, parts]) => Object.entries(parts).map(([part, hex]) => [`${of}_${part}`, hex])),
    );
    return { digests, facts };
  }

  #grow(digests: Digests, part: SaltedPart, bytes: Uint8Array | string): void {
    const digest = digests.get(part) ?? saltedHash(this.salt, part);
    digests.set(part, digest);
    digest.update(bytes);
  }
}

function hexOf(digests: Digests): Record<string, string> {
  return Object.fromEntries([...digests].map(([part, digest]) => [part, digest.hex()]));
}
