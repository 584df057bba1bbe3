/** A file of one run, in memory. */
class MemoryFile {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get content(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  truncate(): void {
    this.#length = 0;
  }

  read(at: number, count: number): Uint8Array {
    return this.#bytes.subarray(Math.min(at, this.#length), Math.min(at + count, this.#length));
  }

  /** Writes at a position; a gap before it reads as zeros. */
  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, at);
    this.#length = Math.max(this.#length, end);
  }

  #grow(atLeast: number): void {
    const larger = new Uint8Array(Math.max(atLeast, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

interface OpenFile {
  readonly file: MemoryFile;
  position: number;
}

/** Descriptors 0 to 2 are the standard streams, 3 is the one directory. */
const FIRST_DESCRIPTOR = 4;

/** Thrown when a run writes more than it may; its output is lost with it. */
export class FileTooLarge extends Error {
  override readonly name = 'FileTooLarge';
}

/** The files of one run of a WebAssembly program: in memory, bounded in size, gone with the run. */
export class MemoryFiles {
  readonly #bytesMax: number;
  readonly #files = new Map<string, MemoryFile>();
  readonly #open = new Map<number, OpenFile>();
  #next = FIRST_DESCRIPTOR;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The content of a file, or undefined where there is none. */
  content(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.content;
  }

  /** A new descriptor; undefined when the file is not there and may not be made. */
  open(name: string, { create, truncate }: { readonly create: boolean; readonly truncate: boolean }): number | undefined {
    const file = this.#files.get(name) ?? (create ? new MemoryFile() : undefined);
    if (file === undefined) return undefined;
    if (truncate) file.truncate();
    this.#files.set(name, file);
    this.#open.set(this.#next, { file, position: 0 });
    return this.#next++;
  }

  isOpen(descriptor: number): boolean {
    return this.#open.has(descriptor);
  }

  close(descriptor: number): void {
    this.#open.delete(descriptor);
  }

  /** Reads on from the descriptor's position; an empty result is the end. */
  read(descriptor: number, count: number): Uint8Array {
    const open = this.#opened(descriptor);
    const bytes = open.file.read(open.position, count);
    open.position += bytes.length;
    return bytes;
  }

  write(descriptor: number, bytes: Uint8Array): void {
    const open = this.#opened(descriptor);
    if (open.position + bytes.length > this.#bytesMax) throw new FileTooLarge(`output is larger than ${this.#bytesMax} bytes`);
    open.file.write(open.position, bytes);
    open.position += bytes.length;
  }

  /** Moves the position and returns it. `from` is 0 for the start, 1 for the position, 2 for the end, as in POSIX. */
  seek(descriptor: number, offset: number, from: number): number {
    const open = this.#opened(descriptor);
    const base = from === 0 ? 0 : from === 1 ? open.position : open.file.length;
    open.position = Math.max(0, base + offset);
    return open.position;
  }

  #opened(descriptor: number): OpenFile {
    const open = this.#open.get(descriptor);
    if (open === undefined) throw new Error(`descriptor ${descriptor} is not open`);
    return open;
  }
}
