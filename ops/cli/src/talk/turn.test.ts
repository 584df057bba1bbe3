import { describe, expect, it } from 'vitest';
import { readEvents } from './sse.ts';
import { followTurn } from './turn.ts';
import { bytesPerSecond, wavOf } from './wav.ts';

const DONE = {
  transcript: 'go forward ten meters',
  answer: 'Moving forward ten meters.',
  servedBy: { asr: { model: 'moonshine-base', tier: 'baseline_conformer', role: 'primary' } },
  latencyMs: { firstAudio: 700 },
  traceId: '0'.repeat(32),
  budget: { llmTokens: 12 },
  audit: 'gateway.1.7',
};
const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const audio = (bytes: number[]) => event('audio', { pcm: Buffer.from(bytes).toString('base64'), rate_hz: 16_000 });

/** A body that arrives in pieces of this many bytes. */
async function* bodyOf(text: string, size = 1_000_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('a turn that is answered', () => {
  const text =
    event('transcript.partial', { text: 'go for' }) +
    event('transcript.final', { text: DONE.transcript }) +
    audio([1, 2]) +
    audio([3, 4]) +
    event('done', DONE);

  it.each([1, 7, 1_000_000])('is read whole, also when it comes in pieces of %i bytes', async (size) => {
    const turn = await followTurn(readEvents(bodyOf(text, size)));
    expect(turn).toMatchObject({ done: DONE, rateHz: 16_000 });
    expect([...turn.pcm]).toEqual([1, 2, 3, 4]);
  });

  it('tells of partial and final transcripts as they come', async () => {
    const heard: string[] = [];
    await followTurn(readEvents(bodyOf(text)), {
      partial: (words) => heard.push(words),
      transcript: (words) => heard.push(words),
    });
    expect(heard).toEqual(['go for', DONE.transcript]);
  });

  it('is read when lines end as HTTP’s do, and comments stand between', async () => {
    const turn = await followTurn(readEvents(bodyOf(`: ping\r\n\r\n${event('done', DONE).replaceAll('\n', '\r\n')}`)));
    expect(turn.done.answer).toBe(DONE.answer);
  });
});

describe('a turn that is not answered', () => {
  it('ends with what the gateway says when it fails midway', async () => {
    const text = event('error', {
      error: { code: 'safe-mode', reason: 'SAFE_MODE', message: 'the fleet is in safe mode' },
    });
    await expect(followTurn(readEvents(bodyOf(text)))).rejects.toThrow('SAFE_MODE: the fleet is in safe mode');
  });

  it('is a failure when the stream ends before it is done', async () => {
    await expect(followTurn(readEvents(bodyOf(audio([1, 2]))))).rejects.toThrow(/ended before it was done/);
  });

  it('is a failure when the gateway sends what nobody understands', async () => {
    await expect(followTurn(readEvents(bodyOf(event('done', { answer: 1 }))))).rejects.toThrow(/does not understand/);
  });
});

describe('a reply file', () => {
  it('declares the rate of its samples', () => {
    const file = wavOf(new Uint8Array(3200), 16_000);
    expect(bytesPerSecond(file)).toBe(32_000);
    expect(file.byteLength).toBe(3244);
  });

  it('of another kind has no rate to feed it at', () => {
    expect(bytesPerSecond(Buffer.from('this is no WAV file, whatever its name may say'))).toBeUndefined();
  });
});
