import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

/** Long enough that a single scheduling slice does not decide. */
const LOOK_MS = 1_000;
/** Below it the figures are of somebody else's work, too. */
const IDLE_SHARE_MIN = 0.9;

/** Says how idle the machine is before a measurement: a busy one gives no figures worth keeping. */
export async function sayIdleShare(): Promise<void> {
  const before = cpuTimes();
  await wait(LOOK_MS);
  const after = cpuTimes();
  const share = (after.idle - before.idle) / (after.all - before.all);
  const warning = share < IDLE_SHARE_MIN ? '   (busy: run it again on a quiet machine)' : '';
  console.log(`idle share before   ${(share * 100).toFixed(0)} % of ${cpus().length} cores${warning}`);
}

function cpuTimes(): { readonly idle: number; readonly all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (pick: (time: (typeof times)[number]) => number) => times.reduce((total, time) => total + pick(time), 0);
  return { idle: sum(({ idle }) => idle), all: sum((time) => time.user + time.nice + time.sys + time.idle + time.irq) };
}

/** Median and spread of some measurements, as text. */
export function spread(values: readonly number[], unit: string, digits = 0): string {
  const text = (value: number | undefined) => (value ?? Number.NaN).toFixed(digits);
  const sorted = values.toSorted((a, b) => a - b);
  return `${text(median(values))} ${unit}   (${text(sorted[0])} to ${text(sorted.at(-1))}, n = ${values.length})`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export interface Resident {
  /** Each process' own count: pages that several share are counted for each of them. */
  readonly rssBytes: number;
  /** Shared pages are divided among those who share them: what the machine really spends. */
  readonly pssBytes: number;
}

/** Resident memory of a process and all its descendants. */
export function residentMemory(root: number): Resident {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = /^PPid:\s+(\d+)$/m.exec(procText(name, 'status'))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const belongs = (pid: number): boolean => pid === root || (parents.has(pid) && belongs(parents.get(pid) ?? 0));
  const rollups = [...parents.keys()].filter(belongs).map((pid) => procText(String(pid), 'smaps_rollup'));
  const sum = (field: string) =>
    rollups.reduce((total, text) => total + Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024, 0);
  return { rssBytes: sum('Rss'), pssBytes: sum('Pss') };
}

/** A process may end while it is looked at. */
function procText(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
