import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../../problem.ts';
import { readEvents, type ServerEvent } from '../sse.ts';
import { failure } from '../turn.ts';
import { bytesPerSecond } from '../wav.ts';

/** Audio is fed in pieces of this length when it is fed in real time. */
const PIECE_MS = 100;
/** A turn takes seconds; a gateway that says nothing for this long is stuck. */
const TURN_MS = 120_000;

export interface TurnRequest {
  readonly gateway: string;
  readonly apiKey: string;
  readonly audio: Uint8Array;
  readonly tier?: string | undefined;
  readonly voice?: string | undefined;
  readonly user?: string | undefined;
  readonly region?: string | undefined;
  /** Feed the audio as fast as it was spoken, as a microphone would. */
  readonly realTime?: boolean | undefined;
}

/** Sends one utterance and gives the turn's events as they come. */
export async function* askTurn(request: TurnRequest): AsyncGenerator<ServerEvent> {
  const { gateway, apiKey, audio, realTime, tier, voice, user, region } = request;
  const url = new URL('/v1/voice/turns', gateway);
  if (tier !== undefined) url.searchParams.set('tier', tier);
  if (voice !== undefined) url.searchParams.set('voice', voice);
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'text/event-stream', 'content-type': 'audio/wav' };
  const response = await send(url, {
    method: 'POST',
    headers: { ...headers, ...(user && { 'x-smartlite-user': user }), ...(region && { 'x-smartlite-region': region }) },
    body: realTime ? ReadableStream.from(inRealTime(audio)) : (audio as Uint8Array<ArrayBuffer>),
    duplex: 'half',
    signal: AbortSignal.timeout(TURN_MS),
  });
  if (!response.ok || response.body === null) throw failure(await response.text());
  yield* readEvents(response.body);
}

async function send(url: URL, init: RequestInit & { duplex: 'half' }): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new Problem(
      `The gateway at ${url.origin} does not answer.`,
      'Start the mesh with npm start, or see npx smartlite doctor.',
      { cause },
    );
  }
}

async function* inRealTime(audio: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = Math.max(1, Math.floor(((bytesPerSecond(audio) ?? 32_000) * PIECE_MS) / 1000));
  for (let at = 0; at < audio.byteLength; at += size) {
    yield audio.subarray(at, at + size);
    await wait(PIECE_MS);
  }
}
