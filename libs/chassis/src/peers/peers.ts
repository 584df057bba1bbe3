import {
  AsrServiceService,
  AuditServiceService,
  BudgetServiceService,
  LlmServiceService,
  MeshError,
  type ServiceName,
  TtsServiceService,
  VerifierServiceService,
  VoiceServiceService,
} from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import type { Clock, Ids } from '../clock.ts';
import { Directory } from '../discovery/directory.ts';
import { followInstances } from '../discovery/follow.ts';
import type { Peer, PeerOptions, Peers } from '../platform.ts';
import type { ServiceDefinition } from '../service.ts';
import { callPeer } from './call.ts';
import { Channels } from './channels.ts';
import { Conduct } from './conduct.ts';
import { type Finder, finderFor } from './finder.ts';

/** Channels to instances that are gone are closed this often. */
const TIDY_MS = 5_000;

export interface PeersParts {
  readonly nats: NatsConnection;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface RunningPeers extends Peers {
  close(): void;
}

/** Typed calls to the other services. Discovery begins with the first use: a service that calls nobody asks for nobody. */
export function createPeers({ nats, clock, ids }: PeersParts): RunningPeers {
  const directory = new Directory(clock);
  const channels = new Channels((instance) => directory.lose(instance));
  const underWay = new Map<string, number>();
  const conduct = new Conduct();
  let stopFollowing: (() => void) | undefined;
  const follow = () => {
    stopFollowing ??= startFollowing(nats, directory, (instances) => {
      channels.keepOnly(instances);
      conduct.keepOnly(instances);
    });
  };
  const peer = <D extends ServiceDefinition>(service: ServiceName, definition: D): Peer<D> =>
    typedCalls(definition, {
      finder: finderFor({ service, directory, channels, clock, ids, underWay, conduct }),
      follow,
      clock,
      ids,
    });
  return {
    asr: peer('asr', AsrServiceService),
    llm: peer('llm', LlmServiceService),
    tts: peer('tts', TtsServiceService),
    budget: peer('budget', BudgetServiceService),
    audit: peer('audit', AuditServiceService),
    verifier: peer('verifier', VerifierServiceService),
    voice: peer('gateway', VoiceServiceService),
    instances(service) {
      follow();
      return directory.live(service);
    },
    close() {
      stopFollowing?.();
      channels.close();
    },
  };
}

function startFollowing(
  nats: NatsConnection,
  directory: Directory,
  keepOnly: (instances: ReadonlySet<string>) => void,
): () => void {
  const stop = followInstances(nats, directory);
  const tidy = setInterval(() => keepOnly(new Set(directory.live().map(({ instance }) => instance))), TIDY_MS);
  tidy.unref();
  return () => {
    clearInterval(tidy);
    stop();
  };
}

interface TypedParts {
  readonly finder: Finder;
  readonly follow: () => void;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Promise form for unary methods, AsyncIterable form for streams. */
function typedCalls<D extends ServiceDefinition>(definitions: D, { finder, follow, clock, ids }: TypedParts): Peer<D> {
  const entries = Object.entries(definitions).map(([key, definition]) => {
    const answers = (request: unknown, options: PeerOptions) => {
      follow();
      return callPeer({
        definition,
        request,
        options,
        finder,
        nowUnixMs: () => clock.nowMs(),
        nowMs: () => clock.monotonicMs(),
        uuid: () => ids.uuid(),
      });
    };
    const streams = definition.requestStream || definition.responseStream;
    return [key, streams ? answers : async (request: unknown, options: PeerOptions) => single(answers(request, options))];
  });
  return Object.fromEntries(entries) as Peer<D>;
}

async function single(answers: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new MeshError('internal', 'the peer gave no answer');
}
