import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { askTurn } from '../talk/engines/gateway.ts';
import { describeTurn } from '../talk/print.ts';
import { followTurn } from '../talk/turn.ts';
import { wavOf } from '../talk/wav.ts';
import type { Place } from './place.ts';

/** Carries the recorded utterance through the mesh and prints what came of it. */
export async function demonstrate(place: Place, gateway: string): Promise<void> {
  const [audio, apiKey] = await Promise.all([
    readFile(join(place.root, 'ops', 'demo', 'goforward.wav')),
    readFile(place.apiKey, 'utf8'),
  ]);
  console.log('\nOne turn: ops/demo/goforward.wav');
  const turn = await followTurn(askTurn({ gateway, apiKey: apiKey.trim(), audio }));
  const reply = join(place.run, 'reply.wav');
  await mkdir(dirname(reply), { recursive: true, mode: 0o700 });
  await writeFile(reply, wavOf(turn.pcm, turn.rateHz));
  console.log(describeTurn(turn, reply));
}
