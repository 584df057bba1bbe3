import { connect } from 'node:net';
import { MeshError, Unit } from '@smartlite/contracts';
import { DEFAULT_MODELS, scriptedPack } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { wavFile } from '../audio/wavfile.ts';
import { CUT_SHORT } from '../turn/cutshort.ts';
import { BUDGET_ENDED, NOTHING_HEARD } from '../turn/reply.ts';
import { allEvents, type Edge, edge, eventsOf, QUESTION, eventually } from './fixtures/edge.ts';
import { HEARD, SENTENCES } from './fixtures/stages.ts';

const ANSWER = SENTENCES.join('');
const names = (events: readonly { event: string }[]) => [...new Set(events.map(({ event }) => event))];
const settled = ({ ledger }: Edge) => eventually(() => [ledger.open.size, ledger.settled.length]).toEqual([0, 1]);
const entries = ({ mesh }: Edge) => mesh.trail.entries.filter(({ kind }) => kind.startsWith('turn.'));

/** An upload whose second half waits. */
function halves(bytes: Uint8Array, second: Promise<unknown>): ReadableStream<Uint8Array> {
  const middle = 44 + 24_000;
  return ReadableStream.from(
    (async function* () {
      yield bytes.subarray(0, middle);
      await second;
      yield bytes.subarray(middle);
    })(),
  );
}

describe('a turn', () => {
  it('gives transcript, answer, speech, and a receipt that says who answered, how fast, and at what cost', async () => {
    await using gate = await edge();
    const response = await gate.turn(QUESTION);
    expect(response.status).toBe(200);
    const events = await allEvents(response);
    expect(names(events)).toEqual(['transcript.partial', 'transcript.final', 'answer.delta', 'audio', 'done']);
    expect(events.at(-1)?.data).toMatchObject({
      transcript: HEARD,
      answer: ANSWER,
      servedBy: { asr: { model: 'ears' }, llm: { model: 'mind' }, tts: { model: 'mouth1' } },
      budget: { llmTokens: 15, asrSeconds: 1.5, ttsCharacters: ANSWER.length - 1 },
      finishReason: 'stop',
    });
    expect(gate.stages.spoken).toEqual(SENTENCES.map((sentence) => sentence.trim()));
  });

  it('is settled with what it used, and leaves one audit entry that has the receipt’s id', async () => {
    await using gate = await edge();
    const done = (await allEvents(await gate.turn(QUESTION))).at(-1)?.data;
    expect(gate.ledger.settled).toMatchObject([
      { spent: { requests: 1, llmTokens: 15, asrMs: 1_500, ttsCharacters: ANSWER.length - 1 } },
    ]);
    expect(gate.ledger.open.size).toBe(0);
    expect(entries(gate)).toMatchObject([
      { id: done?.['audit'], kind: 'turn.answered', actor: 'acme/ann', traceId: done?.['traceId'], facts: { llm_model: 'mind' } },
    ]);
  });

  it('gives partial transcripts while the upload still runs', async () => {
    await using gate = await edge();
    const partial = Promise.withResolvers<void>();
    const response = await gate.turn(halves(QUESTION, partial.promise), { duplex: 'half' });
    const seen: string[] = [];
    for await (const { event } of eventsOf(response)) {
      if (seen.length === 0) {
        expect(event).toBe('transcript.partial');
        expect(gate.stages.heardBytes).toBeLessThan(QUESTION.length / 1.5);
        partial.resolve();
      }
      seen.push(event);
    }
    expect(seen.at(-1)).toBe('done');
    // So that another instance may hear all of it anew, should the first one die before the final text.
    expect(gate.stages.preliminary).toEqual(['partial']);
  });

  it('is heard while the language model is still held at its second sentence', async () => {
    await using gate = await edge();
    const hold = Promise.withResolvers<void>();
    gate.stages.secondSentence = hold.promise;
    const seen: string[] = [];
    for await (const { event, data } of eventsOf(await gate.turn(QUESTION))) {
      if (event === 'audio' && !seen.includes('audio')) {
        expect(gate.stages.spoken).toEqual([SENTENCES[0]]);
        hold.resolve();
      }
      if (event === 'done') expect(data['answer']).toBe(ANSWER);
      seen.push(event);
    }
    expect(seen.at(-1)).toBe('done');
  });

  it('is given as one WAV file to whoever accepts that', async () => {
    await using gate = await edge();
    const response = await gate.turn(QUESTION, { headers: { accept: 'audio/wav' } });
    expect(response.headers.get('content-type')).toBe('audio/wav');
    expect(response.headers.get('x-smartlite-model')).toBe('mind');
    const file = Buffer.from(await response.arrayBuffer());
    expect(file.length).toBe(44 + 2 * 3 * 3_200);
    expect(file.toString('latin1', 0, 4)).toBe('RIFF');
  });

  it('says that it heard nothing, where nothing was said', async () => {
    await using gate = await edge();
    gate.stages.transcript = '';
    const events = await allEvents(await gate.turn(wavFile(new Uint8Array(32_000), 16_000)));
    expect(events.at(-1)?.data).toMatchObject({ transcript: '', answer: NOTHING_HEARD });
    expect(gate.ledger.settled).toMatchObject([{ spent: { asrMs: 1_000 } }]);
    expect(gate.ledger.settled[0]?.spent['llmTokens']).toBeUndefined();
  });

  it.each([
    ['audio/l16;rate=16000', QUESTION.subarray(44)],
    ['audio/wav', QUESTION],
    ['application/json', QUESTION],
    ['text/plain', QUESTION],
    ['multipart/form-data', QUESTION],
  ])('takes audio by its content, whatever the content type says: %s', async (type, body) => {
    await using gate = await edge();
    const events = await allEvents(await gate.turn(new Uint8Array(body), { headers: { 'content-type': type } }));
    expect(events.at(-1)?.event).toBe('done');
    expect(gate.stages.heardBytes).toBe(48_000);
  });

  it('speaks a broken sentence on by another voice, and the listener hears no word twice', async () => {
    await using gate = await edge();
    gate.stages.voiceBreaks = { afterFrames: 2, error: new MeshError('unavailable', 'the instance is gone') };
    const events = await allEvents(await gate.turn(QUESTION));
    const frames = events.filter(({ event }) => event === 'audio').map(({ data }) => Buffer.from(String(data['pcm']), 'base64'));
    expect(frames.map((pcm) => pcm.readInt16LE(0))).toEqual([1, 2, 3, 1, 2, 3]);
    expect(gate.stages.spoken).toEqual([SENTENCES[0], SENTENCES[0], SENTENCES[1].trim()]);
    expect(events.at(-1)?.event).toBe('done');
  });

  it('whose language model fails after it has been heard ends in words, and half a sentence is not spoken', async () => {
    for (const how of ['thrown', 'cut'] as const) {
      await using gate = await edge();
      gate.stages.mindBreaks = how;
      const done = (await allEvents(await gate.turn(QUESTION))).at(-1);
      expect(done).toMatchObject({
        event: 'done',
        data: { answer: `${SENTENCES[0]} Shall … ${CUT_SHORT}`, finishReason: 'cut' },
      });
      expect(gate.stages.spoken).toEqual([SENTENCES[0], CUT_SHORT]);
      await settled(gate);
    }
  });

  it('is served again after each that failed', async () => {
    await using gate = await edge();
    for (const body of ['', 'text named .wav', QUESTION.subarray(0, 20)])
      await (await gate.turn(body as Uint8Array<ArrayBuffer>)).text();
    expect((await allEvents(await gate.turn(QUESTION))).at(-1)?.event).toBe('done');
    expect(gate.ledger.open.size).toBe(0);
    expect(entries(gate).map(({ kind }) => kind)).toEqual(['turn.failed', 'turn.failed', 'turn.failed', 'turn.answered']);
  });
});

describe('a turn that cannot be taken', () => {
  it.each([
    ['an empty file', '', 400, /empty/],
    ['text, though its content type says WAV', 'hello', 415, /no audio that is known/],
    ['a header cut short', QUESTION.subarray(0, 30), 415, /cut short/],
    ['ten minutes of silence', wavFile(new Uint8Array(600 * 32_000), 16_000), 413, /longer than 60 seconds/],
  ])('is refused with its status and what is wrong: %s', async (_what, body, status, message) => {
    await using gate = await edge();
    const response = await gate.turn(body as Uint8Array<ArrayBuffer>, { headers: { 'content-type': 'audio/wav' } });
    expect([response.status, await response.json()]).toMatchObject([
      status,
      { error: { message: expect.stringMatching(message) } },
    ]);
    await settled(gate);
    expect(entries(gate)).toMatchObject([{ kind: 'turn.failed' }]);
  });

  it('is refused before its body is read, when its length already says that it is too large', async () => {
    await using gate = await edge({ environment: { SMARTLITE_UPLOAD_BYTES_MAX: '2000' } });
    const response = await gate.turn(QUESTION);
    expect([response.status, await response.text()]).toMatchObject([413, expect.stringContaining('2000 bytes')]);
    expect(gate.stages.heardBytes).toBe(0);
  });

  it('is refused as soon as a stream of unknown length passes the limit', async () => {
    await using gate = await edge({ environment: { SMARTLITE_UPLOAD_BYTES_MAX: '30000' } });
    const response = await gate.turn(halves(QUESTION, Promise.resolve()), { duplex: 'half' });
    const last = response.status === 200 ? (await allEvents(response)).at(-1)?.data : await response.json();
    expect(last).toMatchObject({ error: { code: 'payload-too-large' } });
    await settled(gate);
  });

  it('because nobody has the tier that it names, is refused before anybody has listened', async () => {
    await using gate = await edge();
    const response = await gate.fetch('/v1/voice/turns?tier=grand', { method: 'POST', body: QUESTION });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { message: expect.stringMatching(/no LLM tier "grand"; give one of \w+/) } },
    ]);
    expect([gate.stages.heardBytes, gate.ledger.settled]).toEqual([0, []]);
  });

  it.each([
    ['audio/l16; rate="48000"', 200],
    ['audio/L16;channels=1', 200],
    ['audio/l16;rate=fast', 415],
    ['audio/l16;rate=16000;channels=2', 415],
  ])('says so, where raw samples are none that are taken: %s', async (contentType, status) => {
    await using gate = await edge();
    const response = await gate.turn(new Uint8Array(96_000), { headers: { 'content-type': contentType } });
    const told = status === 200 ? await allEvents(response) : await response.json();
    expect(response.status).toBe(status);
    if (contentType.includes('48000')) expect(gate.stages.heardBytes).toBeLessThan(33_000);
    if (status !== 200) expect(told).toMatchObject({ error: { message: expect.stringMatching(/^content-type: /) } });
  });

  it('names a query that is not known', async () => {
    await using gate = await edge();
    const response = await gate.fetch('/v1/voice/turns?teir=lite', { method: 'POST', body: QUESTION });
    expect([response.status, await response.text()]).toMatchObject([400, expect.stringContaining('teir')]);
  });
});

describe('a client that is not there', () => {
  it('and hangs up while it is answered, cancels down to the engines; the books are closed', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    const leaving = new AbortController();
    const response = await gate.turn(QUESTION, { signal: leaving.signal });
    for await (const { event } of eventsOf(response)) if (event === 'audio') break;
    leaving.abort();
    await eventually(() => gate.stages.left).toContain('llm');
    await settled(gate);
    expect(gate.ledger.settled[0]?.spent).toMatchObject({ requests: 1, asrMs: 1_500, llmTokens: 7 + 5 });
    expect(entries(gate)).toMatchObject([{ kind: 'turn.failed', facts: { code: 'cancelled' } }]);
  });

  it('and hangs up while it speaks, cancels too', async () => {
    await using gate = await edge();
    const leaving = new AbortController();
    const body = halves(QUESTION, new Promise(() => undefined));
    const failed = gate.turn(body, { duplex: 'half', signal: leaving.signal }).then(
      (response) => response.text(),
      () => undefined,
    );
    await eventually(() => gate.stages.heardBytes).toBeGreaterThan(16_000);
    leaving.abort();
    await failed.catch(() => undefined);
    await eventually(() => gate.stages.left).toContain('asr');
    await settled(gate);
  });

  it('and sends nothing more, is told 408 after the time that the setting gives', async () => {
    await using gate = await edge({ environment: { SMARTLITE_IDLE_MS_MAX: '150' } });
    const silent = ReadableStream.from(
      (async function* () {
        yield QUESTION.subarray(0, 1_000);
        await new Promise(() => undefined);
      })(),
    );
    const response = await gate.turn(silent, { duplex: 'half' });
    expect([response.status, await response.json()]).toMatchObject([408, { error: { code: 'request-timeout' } }]);
    await settled(gate);
  });

  it('and never sends the head of a request, is told 408 too', async () => {
    await using gate = await edge({ environment: { SMARTLITE_IDLE_MS_MAX: '150' } });
    const { hostname, port } = new URL(gate.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString())).write('GET / HTTP/1.1\r\nhost: x\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toMatch(/x-request-id: .+\r\ntraceparent: 00-/);
  });

  it('and does not read, holds the voice back, and is let go in the end', async () => {
    await using gate = await edge({ environment: { SMARTLITE_IDLE_MS_MAX: '400' } });
    // Far more than sockets and outboxes hold: 4,000 frames of 4.3 kB in base64.
    gate.stages.framesPerSentence = 4_000;
    const { hostname, port } = new URL(gate.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined).pause();
    socket.write(
      `POST /v1/voice/turns HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${gate.keys.ann}\r\ncontent-length: ${QUESTION.length}\r\n\r\n`,
    );
    socket.write(QUESTION);
    await settled(gate);
    expect(gate.stages.frames).toBeLessThan(3_000);
    expect(entries(gate)).toMatchObject([{ kind: 'turn.failed', facts: { code: 'cancelled' } }]);
    socket.destroy();
  });
});

describe('a caller whose use is limited', () => {
  it.each(['text/event-stream', 'audio/wav'])(
    'is told in the head of his answer (%s) what is left of each unit',
    async (accept) => {
      await using gate = await edge();
      const refillsUnixMs = BigInt(gate.mesh.clock.nowMs() + 30_000);
      gate.ledger.limits = [
        { limit: 'user/requests/minute', limitValue: 60n, left: 9n, refillsUnixMs },
        { limit: 'user/asr_ms/day', limitValue: 60_000n, left: 48_500n, refillsUnixMs },
        { limit: 'user/tts_characters/day', limitValue: 500n, left: 452n, refillsUnixMs },
      ];
      const { headers, body } = await gate.turn(QUESTION, { headers: { accept } });
      await body?.cancel();
      const left = ['requests', 'audio-seconds', 'characters', 'tokens'].map((unit) =>
        headers.get(`x-ratelimit-remaining-${unit}`),
      );
      expect(left).toEqual(['9', '48', '452', null]);
      await eventually(() => gate.ledger.open.size).toBe(0);
    },
  );
});

describe('a budget that is used up', () => {
  it.each([
    [Unit.UNIT_REQUESTS, 'user/requests/minute'],
    [Unit.UNIT_LLM_TOKENS, 'user/llm_tokens/day'],
    [Unit.UNIT_ASR_MILLISECONDS, 'tenant/asr_seconds/day'],
    [Unit.UNIT_TTS_CHARACTERS, 'fleet/tts_characters/minute'],
  ])('is told before anybody works, with the limit and when it refills: unit %i, %s', async (unit, limit) => {
    await using gate = await edge();
    gate.ledger.refuse(unit, limit);
    const response = await gate.turn(QUESTION);
    expect([response.status, await response.json()]).toMatchObject([429, { error: { code: 'over-budget', limit, left: '3' } }]);
    expect(response.headers.get('retry-after')).toBe('60');
    expect(response.headers.get('x-ratelimit-limit')).toBe('100');
    expect(response.headers.get('x-ratelimit-remaining')).toBe('3');
    expect(response.headers.get('x-ratelimit-reset')).toBe('2026-01-01T00:01:00.000Z');
    expect(gate.stages.heardBytes).toBe(0);
    expect(gate.ledger.open.size).toBe(0);
  });

  it('but for a short answer, gets a short answer, which the model is told to close in time', async () => {
    await using gate = await edge();
    gate.ledger.ration(Unit.UNIT_LLM_TOKENS, 'user/llm_tokens/day', 40n);
    gate.stages.finishReason = 'length';
    const done = (await allEvents(await gate.turn(QUESTION))).at(-1);
    expect(done).toMatchObject({ event: 'done', data: { answer: ANSWER, finishReason: 'budget' } });
    expect(gate.stages.maxTokens).toBe(40 - 7);
  });

  it('in mid-answer, is said in words, and the turn ends well', async () => {
    await using gate = await edge();
    const hold = Promise.withResolvers<void>();
    gate.stages.secondSentence = hold.promise;
    const seen: string[] = [];
    for await (const { event, data } of eventsOf(await gate.turn(QUESTION))) {
      if (event === 'audio' && !seen.includes('audio')) {
        gate.ledger.refuse(Unit.UNIT_TTS_CHARACTERS, 'user/tts_characters/day');
        hold.resolve();
      }
      seen.push(event);
      if (event === 'done') expect(data).toMatchObject({ finishReason: 'budget', answer: expect.stringContaining(BUDGET_ENDED) });
    }
    expect(seen.at(-1)).toBe('done');
    expect(gate.stages.spoken).toEqual([SENTENCES[0], BUDGET_ENDED]);
    await settled(gate);
  });
});

describe('a turn whose caller wants its text sooner than the default tier aims', () => {
  it('is heard by a tier that is soon enough, and the answer says why', async () => {
    const { asr_pack: asr } = scriptedPack(DEFAULT_MODELS, '.');
    const [usual] = Object.values(asr.tiers);
    if (!usual) throw new Error('the scripted pack has lost its tiers');
    const tiers = { ...asr.tiers, quick: { ...usual, target_ms: usual.target_ms - 1 } };
    await using gate = await edge({ pack: { asr_pack: { ...asr, tiers } } });
    const ask = (latencyMs: number) =>
      gate.fetch(`/v1/voice/turns?asr_latency_ms=${latencyMs}`, { method: 'POST', body: QUESTION });
    const servedBy = (await allEvents(await ask(usual.target_ms - 1))).at(-1)?.data['servedBy'];
    expect(gate.stages.tiersHeard).toEqual(['quick']);
    expect(servedBy).toMatchObject({ asr: { because: expect.stringContaining('tier quick was chosen') } });
    await allEvents(await ask(usual.target_ms));
    expect(gate.stages.tiersHeard).toEqual(['quick', '']);
    expect((await ask(-1)).status).toBe(400);
  });
});

describe('a turn that could not be answered before its caller gives up', () => {
  it.each([
    ['audio/wav', 503, {}],
    ['text/event-stream', 200, { requests: 1, asrMs: 1_500 }],
  ])(
    'is refused when its speech has ended, says when to come again, and is charged for what he has got alone: %s',
    async (accept, status, spent) => {
      await using gate = await edge();
      // One that took ten seconds, and one that is under way.
      const first = Promise.withResolvers<void>();
      gate.stages.secondSentence = first.promise;
      const slow = gate.turn(QUESTION);
      await eventually(() => gate.stages.spoken.length).toBe(1);
      gate.mesh.clock.advance(10_000);
      first.resolve();
      await (await slow).text();
      const second = Promise.withResolvers<void>();
      gate.stages.secondSentence = second.promise;
      const underWay = gate.turn(QUESTION);
      await eventually(() => gate.stages.spoken.length).toBe(3);

      const refused = await gate.turn(QUESTION, { headers: { 'x-smartlite-timeout-ms': '12000', accept } });
      expect([refused.status, await refused.text()]).toEqual([
        status,
        expect.stringMatching(/"code":"overloaded".*"retry_after":[1-9]/),
      ]);
      expect(gate.ledger.settled.at(-1)?.spent).toEqual(spent);
      second.resolve();
      expect((await allEvents(await underWay)).at(-1)?.event).toBe('done');
    },
  );
});
