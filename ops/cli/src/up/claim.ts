import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { Place } from './place.ts';
import { isRunning, markOf, type ProcessMark } from './process-facts.ts';

const schema = z.strictObject({ pid: z.number(), started: z.string() });

/** Two that find the same stale claim: one of them wins at the second look. */
const TRIES = 3;

function claimFile({ meshFile }: Pick<Place, 'meshFile'>): string {
  return join(dirname(meshFile), 'up.json');
}

/**
 * Claims the place for this process, from before anything is changed in it until `release`: two starts at once would make two trust
 * domains of it, and tear each other's files. What a killed process has claimed is free. Throws a Problem that names the holder.
 */
export async function claimPlace(place: Pick<Place, 'meshFile'>): Promise<{ release(): Promise<void> }> {
  const file = claimFile(place);
  const own = `${file}.${process.pid}`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(own, JSON.stringify(markOf(process.pid) ?? { pid: process.pid, started: '' }), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      if (await takes(own, file)) return { release: () => rm(file, { force: true }) };
      await refuseSecond(place);
      // Aside first: of two that do so one finds nothing left, and both try again.
      await rename(file, `${own}.stale`).catch(() => undefined);
    }
  } finally {
    await rm(own, { force: true });
    await rm(`${own}.stale`, { force: true });
  }
  throw new Problem(`${file} changes all the time: something else starts meshes here.`, 'End it, then try again.');
}

/** Throws a Problem that names who starts or runs a mesh here already. */
export async function refuseSecond(place: Pick<Place, 'meshFile'>): Promise<void> {
  const holder = await holderOf(place);
  if (holder === undefined) return;
  throw new Problem(
    `A mesh of this checkout is being started, or runs already (process ${holder.pid}).`,
    'Wait for it and use it, or end it first: npx smartlite down.',
  );
}

/** The process that starts or runs a mesh here now. */
export async function holderOf(place: Pick<Place, 'meshFile'>): Promise<ProcessMark | undefined> {
  const text = await readFile(claimFile(place), 'utf8').catch(() => undefined);
  const mark = text === undefined ? undefined : parse(text);
  return mark && isRunning(mark) ? mark : undefined;
}

/** By a link: it is there with all that it says, or not at all. */
async function takes(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw caught;
  }
}

/** A claim that cannot be read is nobody's. */
function parse(text: string): ProcessMark | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
