import { performance } from 'node:perf_hooks';

/** A redrawn line tells a person at a terminal that work goes on; a log gets one line at the start and one at the end. */
const REDRAW_MS = 1000;

/** Runs one long step and shows its progress. Gives back what the work gives. */
export async function step(label, work) {
  const began = performance.now();
  const elapsed = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const stop = process.stdout.isTTY ? redraw(label, elapsed) : announce(label);
  try {
    const result = await work();
    stop();
    console.log(`  done  ${label} (${elapsed()})`);
    return result;
  } catch (caught) {
    stop();
    console.log(`  fail  ${label} (${elapsed()})`);
    throw caught;
  }
}

function redraw(label, elapsed) {
  const draw = () => process.stdout.write(`\r  ....  ${label} ${elapsed()}`);
  draw();
  const timer = setInterval(draw, REDRAW_MS);
  return () => {
    clearInterval(timer);
    process.stdout.write('\r\x1b[K');
  };
}

function announce(label) {
  console.log(`  ....  ${label}`);
  return () => {};
}
