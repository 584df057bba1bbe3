import { Presets, SingleBar } from 'cli-progress';

/** Shown while bytes or items are worked through: a bar on a terminal, nothing in a log. */
export interface Progress {
  at(done: number, label: string): void;
  stop(): void;
}

/** A bar over `total` units on stderr, so that stdout stays clean for facts. */
export function progressBar(total: number, unit: string): Progress {
  if (!process.stderr.isTTY) return { at: () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      format: `  {bar} {percentage} % | {value}/{total} ${unit} | {label}`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { label: '' });
  return { at: (done, label) => bar.update(done, { label }), stop: () => bar.stop() };
}
