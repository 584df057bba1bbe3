import { SettingsError } from './settings/fault.ts';
import type { Service } from './service.ts';
import { startInstance } from './instance.ts';

/** Wrong settings: whoever starts the process must not try again with the same. */
const EXIT_SETTINGS = 2;
const EXIT_FAILED = 1;

/**
 * Runs a service as this process, until it is told to stop: by SIGTERM, SIGINT, or the end of the process that started it. A second
 * signal of the same kind ends it at once. Settings that cannot be used are listed, and end it with exit code 2.
 */
export async function run<Config>(service: Service<Config>): Promise<void> {
  const stopping = new AbortController();
  onStop(stopping);
  try {
    const instance = await startInstance(service, process.env, stopping.signal);
    process.send?.({ kind: 'ready', service: service.name, instance: instance.id, pid: process.pid, ...instance.addresses() });
    await instance.stopped;
    process.exit(0);
  } catch (caught) {
    // Whoever stops a process that still starts has what he wants.
    process.exit(stopping.signal.aborted ? 0 : report(service.name, caught));
  }
}

function onStop(stopping: AbortController): void {
  const seen = new Set<string>();
  const stop = (signal: NodeJS.Signals) => {
    // A terminal sends SIGINT to all, and then the parent sends SIGTERM to this one: only the same signal again is impatience.
    if (seen.has(signal)) process.exit(EXIT_FAILED);
    seen.add(signal);
    stopping.abort();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // The parent is gone, however it ended; nobody else would stop this process.
  process.on('disconnect', () => stopping.abort());
}

/** People read this, so there is no stack trace; the log has it, where there is one. */
function report(name: string, caught: unknown): number {
  if (caught instanceof SettingsError) {
    process.stderr.write(
      `smartlite ${name} cannot start, its settings are wrong:\n${caught.faults.map((fault) => `  ${fault}\n`).join('')}`,
    );
    return EXIT_SETTINGS;
  }
  process.stderr.write(`smartlite ${name} cannot run: ${caught instanceof Error ? caught.message : String(caught)}\n`);
  return EXIT_FAILED;
}
