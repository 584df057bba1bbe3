// Python pickles run code when they are loaded. They are told by content, whatever they are called.

/** More of a file is not read: a pickle has fetched or kept something by then, and text soon is none. */
const LOOKED_AT = 64;

/** Opcodes that push one value or take one away, and what their argument looks like. */
const PUSH: Readonly<Record<string, RegExp>> = {
  I: /^\d{1,20}\n|^-\d{1,20}\n/,
  L: /^-?\d{1,40}L?\n/,
  F: /^-?[\d.e+-]{1,40}\n/,
  S: /^(?:'[^\n]*'|"[^\n]*")\n/,
  V: /^[^\n]*\n/,
  0: /^/,
  1: /^/,
  K: /^[\s\S]/,
  M: /^[\s\S]{2}/,
  J: /^[\s\S]{4}/,
  '\x88': /^/,
  '\x89': /^/,
  '\x95': /^[\s\S]{8}/,
  ']': /^/,
  '}': /^/,
  ')': /^/,
  '(': /^/,
  N: /^/,
};
/** Opcodes that push as many bytes as their argument's first byte says; longer texts are not looked into. */
const PUSH_COUNTED: Readonly<Record<string, RegExp>> = { U: /^[\s\S]/, X: /^[\s\S]\0\0\0/, '\x8c': /^[\s\S]/ };
/** Opcodes that make something of all that was pushed since a mark. */
const SINCE_MARK = 'tld';
/** Opcodes that fetch or call something: a module and a name follow. */
const FETCHES = /^(?:[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\x93)/;
const MEMO = /^(?:p\d{1,9}\n|q[\s\S]|\x94)/;
/** Fewer opcodes may be a coincidence of text. */
const OPCODES_MIN = 3;

/**
 * Protocols 2 to 5 begin with 0x80 and their number; PyTorch archives are zip files of pickles. The older protocols have no header, and
 * the newer ones are loaded without theirs, too: their first opcodes are read.
 */
export function isPickle(head: Uint8Array): boolean {
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5) return true;
  const text = Buffer.from(head.subarray(0, LOOKED_AT)).toString('latin1');
  return /^PK(?:\x03\x04|\x05\x06|\x07\x08)/.test(text) || hasOpcodes(text);
}

function hasOpcodes(text: string): boolean {
  let left = text;
  let marks = 0;
  for (let opcodes = 0; left !== ''; opcodes += 1) {
    if (FETCHES.test(left)) return true;
    const argument = opcodes > 0 ? MEMO.exec(left) : null;
    if (argument) {
      left = left.slice(argument[0].length);
      // A value kept under its number right after it was pushed: text does not begin so.
      if (opcodes >= OPCODES_MIN - 1) return true;
      continue;
    }
    if (left.startsWith('(')) marks += 1;
    const length = lengthOf(left, marks);
    if (length === undefined) return false;
    left = left.slice(length);
  }
  return false;
}

/** Of the first opcode with its argument; undefined where there is none that a pickle begins with. */
function lengthOf(left: string, marks: number): number | undefined {
  const opcode = left[0] ?? '';
  if (marks > 0 && SINCE_MARK.includes(opcode)) return 1;
  const argument = Object.hasOwn(PUSH, opcode) ? PUSH[opcode]?.exec(left.slice(1)) : undefined;
  if (argument) return 1 + argument[0].length;
  const count = Object.hasOwn(PUSH_COUNTED, opcode) ? PUSH_COUNTED[opcode]?.exec(left.slice(1)) : undefined;
  return count ? 1 + count[0].length + count[0].charCodeAt(0) : undefined;
}
