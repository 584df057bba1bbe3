import { flushCompileCache } from 'node:module';
import { MeshError } from '@smartlite/contracts/error';
import { loadEngine, type LoadOutcome } from './load.ts';
import { CHUNK_WINDOW, type FromEngine, type ToEngine } from './messages.ts';

// The main module of an engine process. It serves one model to one service and ends with it.

/** One piece of work. */
interface Work {
  readonly ending: AbortController;
  /** Chunks sent that the service has not taken. */
  ahead: number;
  mayContinue: () => void;
}

const works = new Map<number, Work>();
let loaded: Extract<LoadOutcome, { kind: 'loaded' }> | undefined;

process.on('message', (message: ToEngine) => {
  switch (message.kind) {
    case 'load':
      void load(message);
      return;
    case 'relock':
      send(loaded?.relock(message) ?? { kind: 'relocked', lockDigest: null });
      return;
    case 'run':
      void run(message.id, message.request);
      return;
    case 'taken':
      taken(message.id, message.chunks);
      return;
    case 'cancel':
      cancel(message.id);
      return;
  }
});
// The service is gone, however it ended.
process.on('disconnect', () => process.exit(0));
// A terminal sends its signals to the whole group; the service ends its engines itself, after its calls.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

async function load(message: Extract<ToEngine, { kind: 'load' }>): Promise<void> {
  const outcome = await loadEngine(message);
  if (outcome.kind === 'loaded') loaded = outcome;
  send(outcome.report);
  // An engine may be ended at any moment; the next one need not compile again what this one has.
  flushCompileCache();
}

async function run(id: number, request: unknown): Promise<void> {
  const work: Work = { ending: new AbortController(), ahead: 0, mayContinue: () => {} };
  works.set(id, work);
  try {
    if (!loaded) throw new MeshError('unavailable', 'the engine is not loaded');
    for await (const chunk of loaded.engine.run(request, work.ending.signal)) {
      if (work.ending.signal.aborted) break;
      send({ kind: 'chunk', id, chunk });
      work.ahead += 1;
      while (work.ahead >= CHUNK_WINDOW && !work.ending.signal.aborted)
        await new Promise<void>((resolve) => (work.mayContinue = resolve));
    }
    send({ kind: 'done', id });
  } catch (caught) {
    const { code, message, facts } = MeshError.from(caught);
    // Stays in this process' own error output; the message may not leave it unless it was written for callers.
    if (code === 'internal') console.error(caught);
    send({ kind: 'failed', id, code, message, facts });
  } finally {
    works.delete(id);
  }
}

function taken(id: number, chunks: number): void {
  const work = works.get(id);
  if (!work) return;
  work.ahead -= chunks;
  work.mayContinue();
}

function cancel(id: number): void {
  const work = works.get(id);
  work?.ending.abort(new MeshError('cancelled', 'the work was cancelled'));
  work?.mayContinue();
}

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message);
}
