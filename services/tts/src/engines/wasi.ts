import { type MemoryFiles } from './memory-files.ts';

/**
 * The thirteen calls of WASI preview 1 that Flite needs, over files in memory: no file, socket, clock or environment of the machine
 * can be reached through it. (`node:wasi` is not used: it was seen to crash Node on repeated runs.)
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */

const SUCCESS = 0;
const ERRNO_BADF = 8;
const ERRNO_NOENT = 44;
const ERRNO_SPIPE = 70;
const OPEN_CREATE = 1;
const OPEN_TRUNCATE = 8;
const TYPE_CHARACTER_DEVICE = 2;
const TYPE_DIRECTORY = 3;
const TYPE_REGULAR_FILE = 4;
const DIRECTORY = 3;
const DIRECTORY_PATH = '/d';
const ALL_RIGHTS = 0xffff_ffff_ffff_ffffn;
/** Enough of what a program complains of. */
const COMPLAINT_CHARACTERS_MAX = 2000;

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

export interface WasiRun {
  readonly exitCode: number;
  /** The beginning of what was written to standard error. */
  readonly complaint: string;
}

/** Runs a command to its end. It sees its arguments and, as `/d/<name>`, the given files. Throws what the files or the code throw. */
export async function runWasi(module: WebAssembly.Module, args: readonly string[], files: MemoryFiles): Promise<WasiRun> {
  const host = new WasiHost(args, files);
  const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: host.imports() });
  const { memory, _start: begin } = instance.exports;
  host.memory = memory as WebAssembly.Memory;
  try {
    (begin as () => void)();
    return { exitCode: 0, complaint: host.complaint };
  } catch (caught) {
    if (caught instanceof Exit) return { exitCode: caught.code, complaint: host.complaint };
    throw caught;
  }
}

class WasiHost {
  memory: WebAssembly.Memory | undefined;
  complaint = '';
  readonly #args: readonly Uint8Array[];
  readonly #files: MemoryFiles;

  constructor(args: readonly string[], files: MemoryFiles) {
    this.#args = args.map((arg) => new TextEncoder().encode(`${arg}\0`));
    this.#files = files;
  }

  imports(): WebAssembly.ModuleImports {
    return { ...this.#argumentCalls(), ...this.#directoryCalls(), ...this.#descriptorCalls(), ...this.#transferCalls() };
  }

  get #view(): DataView {
    return new DataView(this.#buffer);
  }

  get #buffer(): ArrayBuffer {
    if (this.memory === undefined) throw new Error('WASI call before the memory is known');
    return this.memory.buffer;
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, at, length);
  }

  /** The buffers that an array of `iovec` names. */
  #buffers(at: number, count: number): Uint8Array[] {
    const view = this.#view;
    return Array.from({ length: count }, (_, index) =>
      this.#bytes(view.getUint32(at + 8 * index, true), view.getUint32(at + 8 * index + 4, true)),
    );
  }

  #argumentCalls(): WebAssembly.ModuleImports {
    return {
      args_sizes_get: (count: number, bytes: number) => {
        this.#view.setUint32(count, this.#args.length, true);
        this.#view.setUint32(
          bytes,
          this.#args.reduce((sum, arg) => sum + arg.length, 0),
          true,
        );
        return SUCCESS;
      },
      args_get: (pointers: number, bytes: number) => {
        let at = bytes;
        for (const [index, arg] of this.#args.entries()) {
          this.#view.setUint32(pointers + 4 * index, at, true);
          this.#bytes(at, arg.length).set(arg);
          at += arg.length;
        }
        return SUCCESS;
      },
      // A synthesiser has no business with the time of day: it always reads zero, so equal text gives equal audio.
      clock_time_get: (_clock: number, _precision: bigint, result: number) => {
        this.#view.setBigUint64(result, 0n, true);
        return SUCCESS;
      },
      proc_exit: (code: number) => {
        throw new Exit(code);
      },
    };
  }

  #directoryCalls(): WebAssembly.ModuleImports {
    const path = new TextEncoder().encode(DIRECTORY_PATH);
    return {
      fd_prestat_get: (fd: number, result: number) => {
        if (fd !== DIRECTORY) return ERRNO_BADF;
        this.#view.setUint8(result, 0);
        this.#view.setUint32(result + 4, path.length, true);
        return SUCCESS;
      },
      fd_prestat_dir_name: (_fd: number, at: number, length: number) => {
        this.#bytes(at, length).set(path.subarray(0, length));
        return SUCCESS;
      },
      path_open: (
        _dir: number,
        _look: number,
        at: number,
        length: number,
        flags: number,
        _b: bigint,
        _i: bigint,
        _f: number,
        result: number,
      ) => {
        const name = new TextDecoder().decode(this.#bytes(at, length));
        const fd = this.#files.open(name, { create: (flags & OPEN_CREATE) !== 0, truncate: (flags & OPEN_TRUNCATE) !== 0 });
        if (fd === undefined) return ERRNO_NOENT;
        this.#view.setUint32(result, fd, true);
        return SUCCESS;
      },
    };
  }

  #descriptorCalls(): WebAssembly.ModuleImports {
    return {
      fd_close: (fd: number) => {
        this.#files.close(fd);
        return SUCCESS;
      },
      fd_fdstat_get: (fd: number, result: number) => {
        const type = fd < DIRECTORY ? TYPE_CHARACTER_DEVICE : fd === DIRECTORY ? TYPE_DIRECTORY : TYPE_REGULAR_FILE;
        if (type === TYPE_REGULAR_FILE && !this.#files.isOpen(fd)) return ERRNO_BADF;
        this.#view.setUint8(result, type);
        this.#view.setUint16(result + 2, 0, true);
        this.#view.setBigUint64(result + 8, ALL_RIGHTS, true);
        this.#view.setBigUint64(result + 16, ALL_RIGHTS, true);
        return SUCCESS;
      },
      fd_fdstat_set_flags: () => SUCCESS,
      fd_seek: (fd: number, offset: bigint, from: number, result: number) => {
        if (!this.#files.isOpen(fd)) return ERRNO_SPIPE;
        this.#view.setBigUint64(result, BigInt(this.#files.seek(fd, Number(offset), from)), true);
        return SUCCESS;
      },
    };
  }

  #transferCalls(): WebAssembly.ModuleImports {
    return {
      fd_read: (fd: number, at: number, count: number, result: number) => {
        const read = this.#files.isOpen(fd) ? this.#buffers(at, count).map((buffer) => this.#fill(fd, buffer)) : [];
        this.#view.setUint32(result, sum(read), true);
        return SUCCESS;
      },
      fd_write: (fd: number, at: number, count: number, result: number) => {
        const buffers = this.#buffers(at, count);
        for (const buffer of buffers) this.#write(fd, buffer);
        this.#view.setUint32(result, sum(buffers.map((buffer) => buffer.length)), true);
        return SUCCESS;
      },
    };
  }

  #fill(fd: number, buffer: Uint8Array): number {
    const bytes = this.#files.read(fd, buffer.length);
    buffer.set(bytes);
    return bytes.length;
  }

  #write(fd: number, bytes: Uint8Array): void {
    if (fd >= DIRECTORY) this.#files.write(fd, bytes);
    else if (this.complaint.length < COMPLAINT_CHARACTERS_MAX) this.complaint += new TextDecoder().decode(bytes.slice());
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
