import { connectMesh, type Mesh, type MeshAlert, type MeshEvent } from '@smartlite/client';
import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { readFile } from 'node:fs/promises';
import { findBus } from '../mesh/find.ts';
import { Problem } from '../problem.ts';
import { findPlace } from '../up/place.ts';

interface Options {
  readonly json?: boolean;
  readonly after?: string;
}

/** One line of what is followed: for people, and whole for programs. */
interface Line {
  readonly text: string;
  readonly facts: object;
}

const credentialsSchema = z.object({ user: z.string(), password: z.string() });

/** `smartlite watch [events|lock|routes|alerts]` */
export function registerWatch(program: Command): void {
  program
    .command('watch')
    .addArgument(new Argument('[what]', 'what to follow').choices(['events', 'lock', 'routes', 'alerts']).default('events'))
    .description('follow the mesh, each message’s signature checked; ends with Ctrl-C')
    .option('--after <position>', 'go on behind this event, or from the beginning: "beginning" (events and routes)')
    .option('--json', 'print one JSON object a line')
    .action(watch);
}

async function watch(what: string, options: Options): Promise<void> {
  if (options.after !== undefined && (what === 'lock' || what === 'alerts'))
    throw new Problem(
      `--after: ${what} has no past to go on from.`,
      'It is for events and routes; leave it out to follow what comes.',
      {
        exitCode: 2,
      },
    );
  const place = findPlace();
  const { url, credentials } = await findBus(place);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  // Nobody reads on.
  process.stdout.once('error', () => ending.abort());
  await using mesh = await connectMesh({
    servers: url,
    trust: place.trust,
    name: 'smartlite-cli watch',
    ...(credentials && { credentials: credentialsSchema.parse(JSON.parse(await readFile(credentials, 'utf8'))) }),
  });
  const lines = linesOf(what, mesh, options, ending.signal)[Symbol.asyncIterator]();
  let next = lines.next();
  // The subscription is asked for by the first `next`; once the server has it, nothing that happens is missed. What it refuses ends this.
  await Promise.race([mesh.settled(), next]);
  console.error(`Following ${what}; Ctrl-C ends it.`);
  for (let line = await next; !line.done; line = await next) {
    console.log(options.json ? JSON.stringify(line.value.facts) : line.value.text);
    next = lines.next();
  }
}

function linesOf(what: string, mesh: Mesh, options: Options, signal: AbortSignal): AsyncIterable<Line> {
  switch (what) {
    case 'lock':
      return lockLines(mesh, signal);
    case 'alerts':
      return alertLines(mesh, signal);
    default:
      return eventLines(mesh, what === 'routes', options, signal);
  }
}

/** What says who answers, and who does not. */
const ROUTE_EVENTS: ReadonlySet<string> = new Set(['route.changed', 'breaker.changed']);

async function* eventLines(mesh: Mesh, routesOnly: boolean, { after }: Options, signal: AbortSignal): AsyncGenerator<Line> {
  const events = mesh.events({
    signal,
    after,
    onGap: ({ because }) => console.error(`Events are missing: ${because}.`),
    onRefused: ({ subject, because }) => console.error(`A message on ${subject} is refused: ${because}.`),
  });
  for await (const event of events)
    if (!routesOnly || ROUTE_EVENTS.has(event.type)) yield { text: eventText(event), facts: event };
}

async function* lockLines(mesh: Mesh, signal: AbortSignal): AsyncGenerator<Line> {
  for await (const { status, order, view } of mesh.lock(signal)) {
    const reasons = status.reasons.length > 0 ? ` because ${status.reasons.join('; ')}` : '';
    yield {
      text: `${order.padEnd(14)} ${status.mode.padEnd(7)} leader ${status.leader}, lock ${status.lockSequence ?? '-'}, here ${view.mode}${reasons}`,
      facts: { order, here: view.mode, ...status },
    };
  }
}

async function* alertLines(mesh: Mesh, signal: AbortSignal): AsyncGenerator<Line> {
  for await (const alert of mesh.alerts(signal)) yield { text: alertText(alert), facts: alert };
}

function eventText({ time, source, type, data, position }: MeshEvent): string {
  return `${time} ${source.padEnd(32)} ${type.padEnd(22)} ${JSON.stringify(data)} @${position}`;
}

function alertText({ atUnixMs, severity, title, reasons, source }: MeshAlert): string {
  return `${new Date(atUnixMs).toISOString()} ${severity.toUpperCase()} ${title} (${source})${reasons.map((reason) => `\n  ${reason}`).join('')}`;
}
