import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * True when node_modules holds exactly what the lockfile asks for. npm writes node_modules/.package-lock.json as the last act of an
 * install, so an interrupted one does not count. Optional packages may be absent: most are other platforms' builds.
 */
export function isInstalled(folder) {
  const wanted = readPackages(join(folder, 'package-lock.json'));
  const present = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  if (wanted === null || present === null) return false;
  return Object.entries(wanted).every(([key, entry]) => key === '' || matches(entry, present[key]));
}

function matches(entry, found) {
  if (found === undefined) return entry.optional === true || entry.devOptional === true;
  return found.version === entry.version && found.integrity === entry.integrity;
}

function readPackages(path) {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null;
  } catch {
    return null; // Cut short by a crash: not installed.
  }
}
