import { MeshError } from '@smartlite/contracts';

// Ogg's pages (RFC 3533). The decoders take a page that is cut short for a whole one, and make up sound for what is missing; and of
// several recordings one after the other, a chain, they hear the first alone. So they are given whole pages, one recording at a time.

const HEADER_BYTES = 27;
const FLAGS_AT = 5;
const FIRST_PAGE = 2;
const LAST_PAGE = 4;
const CHECKSUM_AT = 22;
const CHECKSUM_BYTES = 4;
const SEGMENTS_AT = 26;
/** Recordings in one file: each needs a decoder that begins anew, which costs far more than the bytes that ask for it. */
const LINKS_MAX = 16;

/**
 * The whole pages of an Ogg file, as many together as have come, and null after the last of each recording. A last page that is cut
 * short is left out. Throws `unsupported-media` where a page is damaged.
 */
export async function* oggPages(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array | null> {
  const cutter = new PageCutter();
  let links = 1;
  // Recordings side by side, as sound beside pictures, all begin before any goes on; one after the other they do not.
  let goesOn = false;
  let ended = false;
  for await (const part of bytes) {
    cutter.add(part);
    let pages: Buffer[] = [];
    for (let page = cutter.next(ended); page; page = cutter.next(ended)) {
      const flags = page[FLAGS_AT] ?? 0;
      const begins = (flags & FIRST_PAGE) !== 0;
      if (begins && goesOn) {
        links += 1;
        if (links > LINKS_MAX) throw broken(`it is a chain of over ${LINKS_MAX} recordings: send them one by one`);
        yield Buffer.concat(pages);
        yield null;
        pages = [];
      }
      goesOn = !begins;
      ended = (flags & LAST_PAGE) !== 0;
      pages.push(page);
    }
    yield Buffer.concat(pages);
  }
  yield null;
}

class PageCutter {
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Bytes that must be there before it is worth looking again. */
  #wanted = HEADER_BYTES;
  #at = 0;

  add(part: Uint8Array): void {
    this.#parts.push(part);
    this.#length += part.byteLength;
  }

  /** The next whole page. What follows the last page of a recording and is none is of no interest. */
  next(afterLast: boolean): Buffer | undefined {
    while (this.#length >= this.#wanted) {
      // Thousands of pages may have come in one piece, which is not copied for each.
      const [first] = this.#parts;
      const all =
        this.#parts.length === 1 && first
          ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
          : Buffer.concat(this.#parts);
      if (all.toString('latin1', 0, 4) !== 'OggS') {
        if (!afterLast) throw this.#damaged();
        this.#keep(Buffer.alloc(0));
        return undefined;
      }
      const wanted = pageBytes(all);
      if (all.length >= wanted) return this.#cut(all, wanted);
      this.#parts = [all];
      this.#wanted = wanted;
    }
    return undefined;
  }

  #cut(all: Buffer, length: number): Buffer {
    const page = all.subarray(0, length);
    if (page.readUInt32LE(CHECKSUM_AT) !== checksum(page)) throw this.#damaged();
    this.#at += length;
    this.#keep(all.subarray(length));
    return page;
  }

  #keep(rest: Buffer): void {
    this.#parts = [rest];
    this.#length = rest.length;
    this.#wanted = HEADER_BYTES;
  }

  #damaged(): MeshError {
    return broken(`the page at byte ${this.#at} is damaged`);
  }
}

/** Length of a page, as far as its head says it by now: the lengths of its segments follow the header. */
function pageBytes(head: Buffer): number {
  const body = HEADER_BYTES + (head[SEGMENTS_AT] ?? 0);
  return head.subarray(HEADER_BYTES, body).reduce((sum, segment) => sum + segment, body);
}

const POLYNOMIAL = 0x04c1_1db7;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest << 1) ^ (rest < 0 ? POLYNOMIAL : 0);
  return rest;
});

/** CRC-32 as Ogg has it, neither reflected nor inverted, its own field taken as zero. */
function checksum(page: Buffer): number {
  let sum = 0;
  for (let at = 0; at < page.length; at += 1) {
    const byte = at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES ? 0 : (page[at] ?? 0);
    sum = (sum << 8) ^ (TABLE[(sum >>> 24) ^ byte] ?? 0);
  }
  return sum >>> 0;
}

function broken(what: string): MeshError {
  return new MeshError('unsupported-media', `the Ogg file cannot be decoded: ${what}`);
}
