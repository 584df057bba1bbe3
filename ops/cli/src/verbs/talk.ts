import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { findApiKey, findGateway } from '../mesh/find.ts';
import { Problem } from '../problem.ts';
import { askTurn } from '../talk/engines/gateway.ts';
import { describeTurn } from '../talk/print.ts';
import { followTurn, type TurnListener } from '../talk/turn.ts';
import { wavOf } from '../talk/wav.ts';
import { findPlace } from '../up/place.ts';

interface Options {
  readonly out: string;
  readonly tier?: string;
  readonly voice?: string;
  readonly user?: string;
  readonly region?: string;
  readonly stream?: boolean;
  readonly json?: boolean;
}

/** `smartlite talk QUESTION.wav` */
export function registerTalk(program: Command): void {
  program
    .command('talk')
    .argument('<question.wav>', 'recorded speech')
    .description('one voice turn through the gateway: speech in, transcript, answer and speech out')
    .option('--out <reply.wav>', 'where the spoken reply goes', 'reply.wav')
    .option('--tier <tier>', 'lite, standard or premium')
    .option('--voice <voice>', 'who speaks the reply: slt, rms, en-us or en-gb in the embedded pack')
    .option('--user <user>', 'on whose budget; needs a key that may act for others')
    .option('--region <region>', 'only regions that this one’s policy permits')
    .option('--stream', 'feed the audio as fast as it was spoken, and show partial transcripts')
    .option('--json', 'print one JSON object')
    .action(talk);
}

async function talk(question: string, options: Options): Promise<void> {
  const audio = await readFile(question).catch((cause: unknown) => {
    throw new Problem(`${question}: cannot be read.`, 'Name a recording, for example ops/demo/goforward.wav.', {
      exitCode: 2,
      cause,
    });
  });
  const place = findPlace();
  const [gateway, apiKey] = await Promise.all([findGateway(place), findApiKey(place)]);
  const { tier, voice, user, region, stream, json, out } = options;
  const turn = await followTurn(
    askTurn({ gateway, apiKey, audio, tier, voice, user, region, realTime: stream }),
    stream && !json ? live() : {},
  );
  await writeFile(out, wavOf(turn.pcm, turn.rateHz));
  console.log(json ? JSON.stringify({ ...turn.done, reply: out }) : describeTurn(turn, out));
}

/** Shows what is understood and answered while it happens. */
function live(): TurnListener {
  return {
    partial: (text) => console.log(`  ...        ${text}`),
    transcript: (text) => console.log(`  heard      ${text}`),
  };
}
