import { performance } from 'node:perf_hooks';

/** Runs one step of a start and prints a line with its time. What the work gives is given back. */
export async function step<T>(label: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const interactive = process.stdout.isTTY;
  if (interactive) process.stdout.write(`  ....  ${label}`);
  try {
    const result = await work();
    print('done', label, began, interactive);
    return result;
  } catch (caught) {
    print('fail', label, began, interactive);
    throw caught;
  }
}

function print(outcome: string, label: string, began: number, interactive: boolean): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  console.log(`${interactive ? '\r\x1b[K' : ''}  ${outcome}  ${label} (${seconds} s)`);
}
