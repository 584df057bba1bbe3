import type { Command } from 'commander';
import { Problem } from '../problem.ts';
import { record } from '../trail/record.ts';
import { demonstrate } from '../up/demo.ts';
import { detach } from '../up/detach.ts';
import { findPlace } from '../up/place.ts';
import { parseScale } from '../up/scale.ts';
import { announce, startMesh } from '../up/start.ts';

interface Options {
  readonly scale?: string;
  readonly pack?: string;
  readonly detach?: boolean;
  readonly turn?: boolean;
  readonly once?: boolean;
}

/** Exit codes of a process that a signal has ended: 128 + its number. */
const INTERRUPTED = 130;

/** `smartlite up` */
export function registerUp(program: Command): void {
  program
    .command('up')
    .description('run a local mesh: NATS and every service as its own process')
    .option('--scale <list>', 'instances of a service, for example asr=2,tts=3')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--detach', 'come back when the mesh is ready; npx smartlite down ends it')
    .option('--turn', 'carry one recorded utterance through the mesh when it is ready')
    .option('--once', 'end after that turn, with exit code 0 or 1')
    .action(up);
}

async function up(options: Options): Promise<void> {
  const place = findPlace(process.env, options);
  const scale = parseScale(options.scale);
  if (options.detach) return detach(place, argumentsOf(options));
  const mesh = await startMesh(place, { scale });
  const stopped = stopOnSignal(mesh);
  try {
    const facts = { command: 'up', scale: options.scale ?? null, pack: options.pack ?? null };
    await record(place, [{ kind: 'operator.command', facts }]);
    if (mesh.restricted) throw mesh.restricted;
    if (options.turn || options.once) await demonstrate(place, mesh.gateway);
    if (options.once) return await mesh.stop();
  } catch (caught) {
    if (options.once) await mesh.stop();
    if (options.once || !(caught instanceof Problem)) throw caught;
    console.error(`${caught.message}\n${caught.remedy}`);
  }
  await announce(place, mesh, process.send !== undefined);
  process.send?.({ kind: 'up' });
  await stopped;
}

/** Resolves when a signal has asked for the end and everything has ended. A second signal does not wait. */
function stopOnSignal(mesh: { stop(): Promise<void> }): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(INTERRUPTED);
      asked = true;
      console.log('\nStopping.');
      void mesh.stop().then(resolve, resolve);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  });
}

/** The same command without `--detach`. */
function argumentsOf({ scale, pack, turn }: Options): string[] {
  return ['up', ...(scale ? ['--scale', scale] : []), ...(pack ? ['--pack', pack] : []), ...(turn ? ['--turn'] : [])];
}
