/**
 * Rules for a path inside the models folder, before any I/O: relative, in normal form, no way up, no control characters or
 * backslashes, Unicode NFC. Gives what is wrong with it; undefined for a good path.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '' || path.length > 512) return 'a path has 1 to 512 characters';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'a path is relative to the models folder';
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return 'a path holds no control characters and no backslashes';
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    return 'a path is in normal form, without "..", "." or empty parts';
  if (path !== path.normalize('NFC')) return 'a path is in Unicode normal form C';
  return undefined;
}

/** Whether a path is that place, or lies in it. */
export function isBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}
