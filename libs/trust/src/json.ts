import { type FindingCode, shown, TrustError } from './finding.ts';

/** Deeper than any file of ours; bounds the stack. */
const DEPTH_MAX = 32;
/** Values in one document: a lock of 100,000 artifacts is not what this is for. */
const VALUES_MAX = 500_000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A fault of the document, with the JSON pointer (RFC 6901) of where it is. */
export class JsonFault extends TrustError {
  readonly pointer: string;

  constructor(code: FindingCode, pointer: string, what: string, file: string) {
    super(code, `${file}${pointer === '' ? '' : ` at ${pointer}`}: ${what}`);
    this.pointer = pointer;
  }
}

/**
 * Parses JSON that an attacker may have written. Stricter than JSON.parse: strict UTF-8 without BOM, no repeated keys (also not by
 * escapes), no `__proto__`, no numbers beyond 2^53 or that are not finite, no lone surrogates, nothing after the value, bounded size,
 * depth and count. Throws JsonFault.
 */
export function parseStrictJson(
  bytes: Uint8Array,
  { file, bytesMax }: { readonly file: string; readonly bytesMax: number },
): unknown {
  if (bytes.byteLength > bytesMax)
    throw new JsonFault('LOCK_TOO_LARGE', '', `${bytes.byteLength} bytes; ${bytesMax} at most`, file);
  return new Reader(decode(bytes, file), file).document();
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.startsWith('\uFEFF'))
      throw new JsonFault('LOCK_MALFORMED', '', 'begins with a byte order mark; save it without one', file);
    return text;
  } catch (caught) {
    if (caught instanceof JsonFault) throw caught;
    throw new JsonFault('LOCK_MALFORMED', '', 'is not UTF-8', file);
  }
}

class Reader {
  readonly #text: string;
  readonly #file: string;
  readonly #path: (string | number)[] = [];
  #at = 0;
  #values = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  document(): unknown {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault(`unexpected text after the end, at character ${this.#at + 1}`);
    return value;
  }

  #value(): unknown {
    this.#values += 1;
    if (this.#values > VALUES_MAX) throw this.#fault(`more than ${VALUES_MAX} values`, 'LOCK_TOO_LARGE');
    if (this.#path.length > DEPTH_MAX) throw this.#fault(`nested deeper than ${DEPTH_MAX}`, 'LOCK_TOO_LARGE');
    this.#space();
    const next = this.#text[this.#at];
    if (next === '{') return this.#object();
    if (next === '[') return this.#array();
    if (next === '"') return this.#string();
    return this.#scalar();
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#members('}', () => {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#fault('a key in double quotes is due');
      const key = this.#string();
      this.#path.push(key);
      if (Object.hasOwn(object, key)) throw this.#fault('the key is there twice', 'LOCK_DUPLICATE_KEY');
      if (key === '__proto__') throw this.#fault('no such key', 'LOCK_UNKNOWN_KEY');
      this.#expect(':');
      object[key] = this.#value();
      this.#path.pop();
    });
    return object;
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    this.#members(']', () => {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
    });
    return array;
  }

  #members(end: string, member: () => void): void {
    this.#at += 1;
    this.#space();
    if (this.#take(end)) return;
    for (;;) {
      member();
      this.#space();
      if (this.#take(end)) return;
      this.#expect(',');
    }
  }

  #string(): string {
    const end = this.#endOfString();
    const token = this.#text.slice(this.#at, end + 1);
    let value: unknown;
    try {
      value = end < 0 ? undefined : JSON.parse(token);
    } catch {
      value = undefined;
    }
    if (typeof value !== 'string')
      throw this.#fault(`a string that does not end, or holds a bad escape or control character, at character ${this.#at + 1}`);
    this.#at = end + 1;
    if (!value.isWellFormed()) throw this.#fault('a string holds a lone surrogate');
    return value;
  }

  /** Where the closing quote stands; below 0 where there is none. No pattern: one over 16 MB would exhaust its engine's stack. */
  #endOfString(): number {
    for (let at = this.#at + 1; at < this.#text.length; at += 1) {
      const next = this.#text.charCodeAt(at);
      if (next === QUOTE) return at;
      if (next === BACKSLASH) at += 1;
    }
    return -1;
  }

  #scalar(): number | boolean | null {
    const token = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (!match) throw this.#fault(`a value is due at character ${this.#at + 1}`);
    this.#at = token.lastIndex;
    const value = JSON.parse(match[0]) as number | boolean | null;
    const beyond = typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER);
    if (beyond) throw this.#fault(`${match[0].slice(0, 30)} is beyond 2^53 - 1`, 'LOCK_VALUE_OUT_OF_RANGE');
    return value;
  }

  #expect(character: string): void {
    this.#space();
    if (!this.#take(character)) throw this.#fault(`"${character}" is due at character ${this.#at + 1}`);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at += 1;
  }

  #fault(what: string, code: FindingCode = 'LOCK_MALFORMED'): JsonFault {
    return new JsonFault(code, pointerOf(this.#path), what, this.#file);
  }
}

/** Longer keys are somebody's attack on our terminal. */
const POINTER_PART_MAX = 100;

/** RFC 6901; long parts are cut and control characters escaped, for it is shown to people. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${shown(String(part), POINTER_PART_MAX).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** "FILE at /pointer", or the file alone for its whole. */
export function placeIn(file: string, path: readonly PropertyKey[]): string {
  return path.length === 0 ? file : `${file} at ${pointerOf(path)}`;
}
