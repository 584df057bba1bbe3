import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file of this size is set aside; with one predecessor kept, a service's logs take at most twice as much. */
const BYTES_MAX = 10 << 20;

/** Appends to a log file and sets it aside as `<file>.1` when it has grown large. Lines are short and few, so writes are synchronous. */
export class RotatingLog {
  readonly path: string;
  readonly #bytesMax: number;
  #file: number | undefined;
  #bytes = 0;

  constructor(path: string, bytesMax = BYTES_MAX) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.path = path;
    this.#bytesMax = bytesMax;
    this.#open();
  }

  /** Appends. What a full disk refuses is lost: logging must not end the supervisor, and `doctor` names the disk. */
  write(chunk: Uint8Array): void {
    if (this.#file === undefined) return;
    try {
      if (this.#bytes > 0 && this.#bytes + chunk.byteLength > this.#bytesMax) this.#rotate();
      this.#bytes += writeSync(this.#file, chunk);
    } catch {}
  }

  /** What is written afterwards is dropped. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #rotate(): void {
    this.close();
    renameSync(this.path, `${this.path}.1`);
    this.#open();
  }

  #open(): void {
    this.#file = openSync(this.path, 'a', 0o600);
    this.#bytes = fstatSync(this.#file).size;
  }
}
