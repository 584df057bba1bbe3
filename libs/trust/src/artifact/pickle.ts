// Python pickles run code when they are loaded. They are told by content, whatever they are called.

/** Opcodes of protocols 0 and 1 that push one value, and what their argument looks like. */
const PUSH: Readonly<Record<string, RegExp>> = {
  I: /^\d{1,20}\n|^-\d{1,20}\n/,
  L: /^-?\d{1,40}L?\n/,
  F: /^-?[\d.e+-]{1,40}\n/,
  S: /^(?:'[^\n]*'|"[^\n]*")\n/,
  V: /^[^\n]*\n/,
  U: /^[\s\S]/,
  K: /^[\s\S]/,
  M: /^[\s\S]{2}/,
  J: /^[\s\S]{4}/,
  X: /^[\s\S]\0\0\0/,
  ']': /^/,
  '}': /^/,
  ')': /^/,
  '(': /^/,
  N: /^/,
};
/** Opcodes that fetch or call something: a module and a name follow. */
const FETCHES = /^[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n/;
const MEMO = /^(?:p\d{1,9}\n|q[\s\S])/;
/** Fewer opcodes may be a coincidence of text. */
const OPCODES_MIN = 3;

/**
 * Protocols 2 to 5 begin with 0x80 and their number; PyTorch archives are zip files of pickles; the older protocols have no header, so
 * their first opcodes are read.
 */
export function isPickle(head: Uint8Array): boolean {
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5) return true;
  const text = Buffer.from(head).toString('latin1');
  return text.startsWith('PK\u0003\u0004') || isOldPickle(text);
}

function isOldPickle(text: string): boolean {
  let left = text;
  for (let opcodes = 0; left !== ''; opcodes += 1) {
    if (FETCHES.test(left)) return true;
    const argument = opcodes > 0 ? MEMO.exec(left) : null;
    if (argument) {
      left = left.slice(argument[0].length);
      // A value kept under its number right after it was pushed: text does not begin so.
      if (opcodes >= OPCODES_MIN - 1) return true;
      continue;
    }
    const opcode = left[0] ?? '';
    const pushed = Object.hasOwn(PUSH, opcode) ? PUSH[opcode]?.exec(left.slice(1)) : undefined;
    if (!pushed) return false;
    left = left.slice(1 + pushed[0].length);
  }
  return false;
}
