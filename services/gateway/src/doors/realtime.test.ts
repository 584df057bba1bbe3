import OpenAI from 'openai';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Unit } from '@smartlite/contracts';
import { type Edge, edge, eventually } from './fixtures/edge.ts';
import { HEARD, SENTENCES } from './fixtures/stages.ts';

const ANSWER = SENTENCES.join('');
type Event = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A client of a realtime session, on a real socket. */
class Client implements Disposable {
  readonly events: Event[] = [];
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor({ url }: Edge, protocols: readonly string[], path = '/v1/realtime?model=standard') {
    this.socket = new WebSocket(url.replace('http', 'ws') + path, [...protocols]);
    this.socket.addEventListener('message', ({ data }) => void this.events.push(JSON.parse(String(data)) as Event));
    this.socket.addEventListener('close', ({ code, reason }) => (this.closed = { code, reason }));
  }

  send(...events: (Event | string)[]): void {
    for (const event of events) this.socket.send(typeof event === 'string' ? event : JSON.stringify(event));
  }

  async until(type: string, count = 1): Promise<Event> {
    const found = () => this.events.filter((event) => event.type === type);
    await eventually(() => [this.closed, found().length >= count]).toEqual([undefined, true]);
    return found()[count - 1] as Event;
  }

  kinds(): string[] {
    return this.events.map(({ type }) => type).filter((type, at, all) => all[at - 1] !== type);
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

async function open(gate: Edge, key = gate.keys.ann): Promise<Client> {
  const client = new Client(gate, ['realtime', `openai-insecure-api-key.${key}`]);
  await client.until('session.created');
  return client;
}

/** A second and a half of a tone at 24 kHz, in pieces. */
const PIECES = Array.from({ length: 3 }, () => {
  const pcm = Int16Array.from({ length: 12_000 }, (_, at) => Math.round(3_000 * Math.sin(at / 9)));
  return { type: 'input_audio_buffer.append', audio: Buffer.from(pcm.buffer).toString('base64') };
});
const commit = { type: 'input_audio_buffer.commit' };
const create = { type: 'response.create' };
const settled = ({ ledger }: Edge, count = 1) => eventually(() => [ledger.open.size, ledger.settled.length]).toEqual([0, count]);

describe('a realtime session', () => {
  it('hears, understands while it hears, and answers in text and sound when it is asked to', async () => {
    await using gate = await edge();
    using client = await open(gate);
    client.send(...PIECES);
    expect(await client.until('conversation.item.input_audio_transcription.delta')).toMatchObject({ delta: 'what' });
    client.send(commit);
    expect(await client.until('conversation.item.input_audio_transcription.completed')).toMatchObject({ transcript: HEARD });
    expect(client.kinds()).not.toContain('response.created');
    client.send(create);
    await client.until('response.done');
    expect(client.kinds()).toEqual(
      expect.arrayContaining(['input_audio_buffer.committed', 'response.created', 'response.audio.delta', 'response.audio.done']),
    );
    const of = (type: string) => client.events.filter((event) => event.type === type).map(({ delta }) => String(delta));
    expect(of('response.audio_transcript.delta').join('')).toBe(ANSWER);
    const seconds = Buffer.concat(of('response.audio.delta').map((delta) => Buffer.from(delta, 'base64'))).length / 48_000;
    expect(seconds).toBeGreaterThan(0.58);
    expect(seconds).toBeLessThan(0.61);
    expect(client.events.at(-1)).toMatchObject({
      response: { status: 'completed', receipt: { transcript: HEARD, answer: ANSWER } },
    });
    expect(gate.ledger.settled).toMatchObject([{ spent: { requests: 1, llmTokens: 15 } }]);
  });

  it('holds one turn after the other', async () => {
    await using gate = await edge();
    using client = await open(gate);
    client.send(...PIECES, commit, create);
    await client.until('response.done');
    client.send(...PIECES, commit, create);
    await client.until('response.done', 2);
    await settled(gate, 2);
    const traces = new Set(gate.mesh.trail.entries.map(({ traceId }) => traceId));
    expect(traces.size).toBe(2);
  });

  it('speaks in the names of the general release to clients that do', async () => {
    await using gate = await edge();
    using client = await open(gate);
    client.send({ type: 'session.update', session: { type: 'realtime', audio: { output: { voice: 'marin' } } } });
    expect(await client.until('session.updated')).toMatchObject({ session: { type: 'realtime' } });
    client.send(...PIECES, commit, create);
    await client.until('response.done');
    expect(client.kinds()).toContain('response.output_audio.delta');
    expect(client.kinds()).not.toContain('response.audio.delta');
  });

  it('answers by itself after a pause, when turn detection is asked for', async () => {
    await using gate = await edge();
    using client = await open(gate);
    client.send({ type: 'session.update', session: { turn_detection: { type: 'server_vad' } } }, ...PIECES, commit);
    await client.until('response.done');
  });

  it('stops at once when it is interrupted, down to the engines, and takes the next question', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    using client = await open(gate);
    client.send(...PIECES, commit, create);
    await client.until('response.audio.delta');
    client.send({ type: 'response.cancel' });
    expect(await client.until('response.done')).toMatchObject({ response: { status: 'cancelled' } });
    await eventually(() => gate.stages.left).toContain('llm');
    await settled(gate);
    gate.stages.secondSentence = Promise.resolve();
    client.send(...PIECES, commit, create);
    expect(await client.until('response.done', 2)).toMatchObject({ response: { status: 'completed' } });
  });

  describe('with turn detection', () => {
    const vad = (more: object = {}) => ({ type: 'session.update', session: { turn_detection: { type: 'server_vad', ...more } } });
    const [first] = SENTENCES;
    /** The first sentence sounds for 300 ms. */
    const firstSentence = (client: Client) => client.until('response.audio.delta', 3);

    it('ends its answer when somebody speaks, keeps of it what was heard, charges what was made, and answers the new question', async () => {
      await using gate = await edge();
      gate.stages.secondSentence = new Promise(() => undefined);
      using client = await open(gate);
      client.send(vad(), ...PIECES, commit);
      await firstSentence(client);
      gate.mesh.clock.advance(200);
      client.send(...PIECES);
      expect(await client.until('response.done')).toMatchObject({
        response: { status: 'cancelled', status_details: { reason: 'turn_detected' } },
      });
      expect(await client.until('conversation.item.truncated')).toMatchObject({ audio_end_ms: 200 });
      expect(client.kinds().indexOf('response.done')).toBeGreaterThan(
        client.kinds().lastIndexOf('input_audio_buffer.speech_started'),
      );
      expect(gate.ledger.settled).toMatchObject([{ spent: { ttsCharacters: first.length } }]);
      gate.stages.secondSentence = Promise.resolve();
      client.send(commit);
      expect(await client.until('response.done', 2)).toMatchObject({ response: { status: 'completed' } });
      expect(gate.stages.asked).toEqual([`user: ${HEARD}`, 'assistant: It is three', `user: ${HEARD}`]);
      await settled(gate, 2);
    });

    it('forgets what nobody has heard of an answer that was sent and is still being played; a client that knows better says so', async () => {
      await using gate = await edge();
      using client = await open(gate);
      client.send(vad(), ...PIECES, commit);
      await client.until('response.done');
      gate.mesh.clock.advance(400);
      client.send(...PIECES);
      const cut = await client.until('conversation.item.truncated');
      expect(cut).toMatchObject({ audio_end_ms: 400 });
      const truncate = { ...cut, type: 'conversation.item.truncate' };
      client.send(
        { ...truncate, item_id: 'item_of_nobody' },
        { ...truncate, audio_end_ms: 601 },
        { ...truncate, audio_end_ms: 300 },
      );
      await client.until('conversation.item.truncated', 2);
      expect(client.events.filter(({ type }) => type === 'error')).toMatchObject([
        { error: { message: expect.stringContaining('last answer alone') } },
        { error: { message: expect.stringContaining('only 600 ms') } },
      ]);
      client.send(commit);
      await client.until('response.done', 2);
      expect(gate.stages.asked).toEqual([`user: ${HEARD}`, `assistant: ${first}`, `user: ${HEARD}`]);
    });

    it('lets nobody interrupt, and does not answer by itself, where that is asked for', async () => {
      await using gate = await edge();
      const held = Promise.withResolvers<void>();
      gate.stages.secondSentence = held.promise;
      using client = await open(gate);
      client.send(vad({ interrupt_response: false, create_response: false }), ...PIECES, commit);
      await client.until('conversation.item.input_audio_transcription.completed');
      client.send(create);
      await firstSentence(client);
      client.send(...PIECES, { type: 'response.destroy' });
      await client.until('error');
      held.resolve();
      expect(await client.until('response.done')).toMatchObject({ response: { status: 'completed' } });
      expect(client.events.filter(({ type }) => type === 'input_audio_buffer.speech_started')).toHaveLength(1);
    });

    it('goes on with its answer when a noise was no word', async () => {
      await using gate = await edge();
      const held = Promise.withResolvers<void>();
      gate.stages.secondSentence = held.promise;
      using client = await open(gate);
      client.send(vad(), ...PIECES, commit);
      await firstSentence(client);
      gate.stages.hearsWords = false;
      client.send(...PIECES, { type: 'response.destroy' });
      await client.until('error');
      gate.stages.pause.resolve();
      await eventually(() => gate.ledger.settled.length).toBe(1);
      held.resolve();
      expect(await client.until('response.done')).toMatchObject({ response: { status: 'completed' } });
    });
  });

  it('whose client leaves is over, down to the engines', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    using client = await open(gate);
    client.send(...PIECES, commit, create);
    await client.until('response.audio.delta');
    client.socket.close();
    await eventually(() => gate.stages.left).toContain('llm');
    await settled(gate);
    expect(gate.mesh.trail.entries).toMatchObject([{ kind: 'turn.failed', facts: { code: 'cancelled' } }]);
  });

  it('says what is wrong with a message, names it, and goes on', async () => {
    await using gate = await edge();
    using client = await open(gate);
    const wrong: readonly (readonly [Event | string, RegExp])[] = [
      ['{', /no JSON/],
      [{ type: 'session.destroy' }, /no event that is taken here/],
      [{ type: 'input_audio_buffer.append', audio: '***' }, /audio/],
      [{ type: 'session.update', session: { input_audio_format: 'g711_ulaw' } }, /only pcm16/],
      [{ type: 'session.update', session: { voice: 'nobody' } }, /no voice "nobody"/],
      [commit, /buffer is empty/],
      [create, /nothing has been said/],
      [{ type: 'response.cancel', event_id: 'mine' }, /no response is under way/],
    ];
    for (const [at, [message, expected]] of wrong.entries()) {
      client.send(message);
      expect(await client.until('error', at + 1)).toMatchObject({
        error: { code: 'invalid-argument', message: expect.stringMatching(expected) },
      });
    }
    expect(client.events.at(-1)).toMatchObject({ error: { event_id: 'mine' } });
    client.send(...PIECES, commit, create);
    await client.until('response.done');
  });

  it('is closed with the code for it, when a message is larger than the longest turn', async () => {
    await using gate = await edge();
    using client = await open(gate);
    client.send('x'.repeat(5 * 1024 * 1024));
    await eventually(() => client.closed?.code).toBe(1009);
  });

  it('refuses more audio while it answers, and an utterance longer than a turn', async () => {
    await using gate = await edge({ environment: { SMARTLITE_TURN_SECONDS_MAX: '1' } });
    using client = await open(gate);
    client.send(...PIECES);
    expect(await client.until('error')).toMatchObject({ error: { code: 'payload-too-large' } });
    await settled(gate);
  });

  it('tells a budget that is used up, with the limit', async () => {
    await using gate = await edge();
    gate.ledger.refuse(Unit.UNIT_REQUESTS, 'user/requests/minute');
    using client = await open(gate);
    client.send(...PIECES, commit);
    expect(await client.until('error')).toMatchObject({ error: { code: 'over-budget', limit: 'user/requests/minute' } });
  });

  it('tells safe mode with its reason, and serves again when it is over', async () => {
    await using gate = await edge({ state: { mode: 'safe' } });
    using client = await open(gate);
    client.send(...PIECES, commit, create);
    expect(await client.until('error')).toMatchObject({ error: { reason: 'SAFE_MODE', retry_after: expect.any(Number) } });
    gate.mesh.guard.become({ mode: 'normal' });
    client.send(...PIECES, commit, create);
    await client.until('response.done', 2);
    expect(client.events.at(-1)).toMatchObject({ response: { status: 'completed' } });
  });

  it('ends when its key was revoked: the next turn opens nothing', async () => {
    await using gate = await edge();
    using client = await open(gate);
    gate.revoke('ann');
    client.send(...PIECES, commit, create);
    await eventually(() => client.closed?.code).toBe(1008);
    expect(client.events.find(({ type }) => type === 'error')).toMatchObject({ error: { code: 'unauthenticated' } });
    expect(gate.ledger.settled).toEqual([]);
  });

  it('times a client out that begins to speak and falls silent', async () => {
    await using gate = await edge({ environment: { SMARTLITE_IDLE_MS_MAX: '150' } });
    using client = await open(gate);
    client.send(...PIECES);
    expect(await client.until('error')).toMatchObject({ error: { code: 'request-timeout' } });
    await settled(gate);
  });
});

describe('whoever opens a session', () => {
  it('needs a key; without one there is no session', async () => {
    await using gate = await edge();
    for (const protocols of [[], ['realtime'], ['realtime', 'openai-insecure-api-key.nobody']]) {
      const client = new Client(gate, protocols);
      await eventually(() => client.closed).toBeDefined();
      expect(client.events).toEqual([]);
    }
    expect((await gate.fetch('/v1/realtime', { key: null })).status).toBe(401);
  });

  it('is told which tiers there are, where it names another', async () => {
    await using gate = await edge();
    const response = await gate.fetch('/v1/realtime?model=grand');
    expect([response.status, await response.text()]).toMatchObject([400, expect.stringMatching(/no LLM tier .*give one of/)]);
    const client = new Client(gate, ['realtime', `openai-insecure-api-key.${gate.keys.ann}`], '/v1/realtime?model=grand');
    await eventually(() => client.closed).toBeDefined();
    expect(client.events).toEqual([]);
  });

  it('is never sent the key back', async () => {
    await using gate = await edge();
    using client = await open(gate);
    expect(client.socket.protocol).toBe('realtime');
  });

  it('may be the stock OpenAI client', async () => {
    await using gate = await edge();
    // It speaks TLS alone; in front of a gateway that is a proxy's work, and here this.
    const Plain = class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url.replace(/^wss:/, 'ws:'), protocols);
      }
    };
    vi.stubGlobal('WebSocket', Plain);
    onTestFinished(() => void vi.unstubAllGlobals());
    const { OpenAIRealtimeWebSocket } = await import('openai/realtime/websocket');
    const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.keys.ann });
    const session = new OpenAIRealtimeWebSocket({ model: 'standard', dangerouslyAllowBrowser: true }, openai);
    let text = '';
    session.on('response.output_audio_transcript.delta', ({ delta }) => (text += delta));
    const done = new Promise((resolve) => session.on('response.done', ({ response }) => resolve(response.status)));
    await new Promise((resolve) => session.on('session.created', resolve));
    session.send({ type: 'session.update', session: { type: 'realtime' } });
    for (const { audio } of PIECES) session.send({ type: 'input_audio_buffer.append', audio });
    session.send({ type: 'input_audio_buffer.commit' });
    session.send({ type: 'response.create' });
    expect([await done, text]).toEqual(['completed', ANSWER]);
    session.close();
  });
});
