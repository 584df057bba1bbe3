import OpenAI, { APIError, toFile } from 'openai';
import { describe, expect, it } from 'vitest';
import { MeshError, Unit } from '@smartlite/contracts';
import { CUT_SHORT } from '../turn/cutshort.ts';
import { type Edge, edge, QUESTION, eventually } from './fixtures/edge.ts';
import { HEARD, SENTENCES } from './fixtures/stages.ts';

const ANSWER = SENTENCES.join('');
const clientOf = ({ url, keys }: Edge, apiKey = keys.ann) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const clip = () => toFile(QUESTION, 'clip.wav');
const messages = [{ role: 'user' as const, content: 'What time is it?' }];

describe('the stock OpenAI client', () => {
  it('transcribes: json', async () => {
    await using gate = await edge();
    const { text } = await clientOf(gate).audio.transcriptions.create({ file: await clip(), model: 'whisper-1' });
    expect(text).toBe(HEARD);
    expect(gate.ledger.settled).toMatchObject([{ spent: { requests: 1, asrMs: 1_500 } }]);
    expect(gate.mesh.trail.entries).toMatchObject([{ kind: 'call.served', facts: { asr_model: 'ears', code: 'ok' } }]);
  });

  it.each([
    ['text', `${HEARD}\n`],
    ['srt', `1\n00:00:00,100 --> 00:00:01,200\n${HEARD}\n\n`],
    ['vtt', `WEBVTT\n\n00:00:00.100 --> 00:00:01.200\n${HEARD}\n\n`],
  ] as const)('transcribes: %s', async (response_format, expected) => {
    await using gate = await edge();
    expect(await clientOf(gate).audio.transcriptions.create({ file: await clip(), model: 'whisper-1', response_format })).toBe(
      expected,
    );
  });

  it('transcribes: verbose_json', async () => {
    await using gate = await edge();
    const response_format = 'verbose_json';
    const verbose = await clientOf(gate).audio.transcriptions.create({ file: await clip(), model: 'whisper-1', response_format });
    expect(verbose).toMatchObject({ text: HEARD, duration: 1.5, segments: [{ start: 0.1, end: 1.2, text: HEARD }] });
  });

  it('hears every sentence once and whole where a voice dies in the middle of one: another speaks it on', async () => {
    await using gate = await edge();
    const bytes = async () => {
      const input = 'Hello there. Good night.';
      const spoken = await clientOf(gate).audio.speech.create({ input, model: 'tts-1', response_format: 'pcm', voice: 'alloy' });
      return Buffer.from(await spoken.arrayBuffer());
    };
    const whole = await bytes();
    gate.stages.voiceBreaks = { afterFrames: 1, error: new MeshError('unavailable', 'the instance is gone') };
    expect(await bytes()).toEqual(whole);
    expect(gate.stages.spoken.slice(2)).toEqual(['Hello there.', 'Hello there.', 'Good night.']);
  });

  it('speaks: wav', async () => {
    await using gate = await edge();
    const response = await clientOf(gate).audio.speech.create({
      input: ANSWER,
      model: 'tts-1',
      voice: 'alloy',
      response_format: 'wav',
    });
    const file = Buffer.from(await response.arrayBuffer());
    expect([file.toString('latin1', 0, 4), file.length]).toEqual(['RIFF', 44 + 2 * 3 * 3_200]);
    expect(gate.ledger.settled).toMatchObject([{ spent: { requests: 1, ttsCharacters: ANSWER.length - 1 } }]);
  });

  it('is refused a voice that nobody has, before anything is held, and told which there are: it lists them with their models', async () => {
    await using gate = await edge();
    const ask = (more: object) =>
      clientOf(gate).audio.speech.create({ input: 'Hello.', model: 'tts-1', response_format: 'wav', voice: 'alloy', ...more });
    await ask({ voice: 'tone' });
    await expect(ask({ voice: 'zoe' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('give one of tone'),
    });
    await expect(ask({ model: 'eleven' })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('tacotron2') });
    const turn = await gate.fetch('/v1/voice/turns?voice=zoe', { method: 'POST', body: QUESTION });
    expect([turn.status, await turn.text()]).toEqual([400, expect.stringContaining('give one of tone')]);
    expect(gate.ledger.settled).toHaveLength(1);
    const { data } = await clientOf(gate).models.list();
    expect(data.at(-1)).toMatchObject({ id: 'tacotron2', voices: ['tone'], default_voice: 'tone' });
  });

  it('speaks: pcm at the 24 kHz that it expects', async () => {
    await using gate = await edge();
    const response = await clientOf(gate).audio.speech.create({
      input: 'Hello.',
      model: 'tts-1',
      voice: 'alloy',
      response_format: 'pcm',
    });
    const seconds = (await response.arrayBuffer()).byteLength / 2 / 24_000;
    expect(seconds).toBeGreaterThan(0.28);
    expect(seconds).toBeLessThan(0.31);
  });

  it('is told which formats are made, when it asks for another', async () => {
    await using gate = await edge();
    await expect(
      clientOf(gate).audio.speech.create({ input: 'Hello.', model: 'tts-1', voice: 'alloy', response_format: 'mp3' }),
    ).rejects.toMatchObject({ status: 400, message: expect.stringContaining('give wav or pcm') });
  });

  it('chats, whole', async () => {
    await using gate = await edge();
    const completion = await clientOf(gate).chat.completions.create({ model: 'standard', messages });
    expect(completion.choices[0]).toMatchObject({ message: { role: 'assistant', content: ANSWER }, finish_reason: 'stop' });
    expect(completion.usage).toEqual({ prompt_tokens: 7, completion_tokens: 8, total_tokens: 15 });
    expect(gate.ledger.settled).toMatchObject([{ spent: { requests: 1, llmTokens: 15 } }]);
  });

  it('chats up to a stop that it names, streamed and whole', async () => {
    await using gate = await edge();
    const asked = { model: 'standard', messages, stop: ['?', 'Shall'] };
    const whole = await clientOf(gate).chat.completions.create(asked);
    expect(whole.choices[0]).toMatchObject({ message: { content: SENTENCES[0] }, finish_reason: 'stop' });
    let text = '';
    const chunks = await clientOf(gate).chat.completions.create({ ...asked, stream: true });
    for await (const { choices } of chunks) text += choices[0]?.delta.content ?? '';
    expect(text.trim()).toBe(SENTENCES[0]);
  });

  it.each([
    ['response_format', { type: 'json_object' }, /only text/],
    ['tool_choice', 'required', /tools are not called/],
    ['modalities', ['text', 'audio'], /only text/],
    ['logprobs', true, /not given/],
    ['messages', [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }], /images/],
    ['messages', [{ role: 'user', content: 'half \ud800' }], /surrogate/],
    ['stop', ['1', '2', '3', '4', '5'], /up to 4/],
  ])('is told what it cannot have, and gets nothing else in its place: %s', async (field, value, message) => {
    await using gate = await edge();
    const asked = { model: 'standard', messages, [field]: value };
    const refusal = clientOf(gate).chat.completions.create(asked as Parameters<OpenAI['chat']['completions']['create']>[0]);
    await expect(refusal).rejects.toMatchObject({ status: 400, message: expect.stringMatching(message) });
  });

  it('chats, streamed, token by token and not all at once', async () => {
    await using gate = await edge();
    const hold = Promise.withResolvers<void>();
    gate.stages.secondSentence = hold.promise;
    const stream = await clientOf(gate).chat.completions.create({
      model: 'gpt-4o',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens = 0;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? '';
      if (text === `${SENTENCES[0]} Shall`) hold.resolve();
      tokens = usage?.completion_tokens ?? tokens;
    }
    expect([text, tokens]).toEqual([ANSWER, 8]);
  });

  it('gets an error when a stream fails midway, never half an answer that looks whole', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    const stream = await clientOf(gate).chat.completions.create({ model: 'gpt-4o', messages, stream: true });
    const read = (async () => {
      for await (const { choices } of stream)
        if (choices[0]?.delta.content === ' Shall') gate.mesh.guard.become({ mode: 'safe' });
    })();
    await expect(read).rejects.toBeInstanceOf(APIError);
  });

  it('gets an answer that ends in words, and says that it is cut, when the model fails midway', async () => {
    for (const how of ['thrown', 'cut'] as const) {
      await using gate = await edge();
      gate.stages.mindBreaks = how;
      const completion = await clientOf(gate).chat.completions.create({ model: 'standard', messages });
      expect(completion.choices[0]).toMatchObject({
        message: { content: `${SENTENCES[0]} Shall … ${CUT_SHORT}` },
        finish_reason: 'length',
      });
      expect(completion.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 5 });
    }
  });

  it('leaves, and the model stops', async () => {
    await using gate = await edge();
    gate.stages.secondSentence = new Promise(() => undefined);
    const stream = await clientOf(gate).chat.completions.create({ model: 'gpt-4o', messages, stream: true });
    for await (const _chunk of stream) break;
    stream.controller.abort();
    await eventually(() => gate.stages.left).toContain('llm');
    await eventually(() => [gate.ledger.open.size, gate.ledger.settled.length]).toEqual([0, 1]);
    expect(gate.ledger.settled[0]?.spent['llmTokens']).toBeLessThanOrEqual(7 + 5);
  });

  it('lists the models', async () => {
    await using gate = await edge();
    const ids = (await clientOf(gate).models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['lite', 'standard', 'premium', 'baseline_conformer', 'vits_multilingual']));
  });

  it('knows our refusals by its own classes', async () => {
    await using gate = await edge();
    await expect(clientOf(gate, 'nobody').models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(clientOf(gate).chat.completions.create({ model: 'x', messages: [] })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
    gate.ledger.refuse(Unit.UNIT_LLM_TOKENS, 'user/llm_tokens/day');
    const refused = clientOf(gate).chat.completions.create({ model: 'standard', messages });
    await expect(refused).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(refused).rejects.toMatchObject({ code: 'over-budget', type: 'rate_limit_error' });
  });

  it.each([
    [Unit.UNIT_LLM_TOKENS, 'user/llm_tokens/minute', 'tokens'],
    [Unit.UNIT_REQUESTS, 'tenant/requests/minute', 'requests'],
  ] as const)(
    'reads from a refusal which limit it met, what is left and when to come again: unit %i',
    async (unit, limit, name) => {
      await using gate = await edge();
      gate.ledger.refuse(unit, limit);
      const client = clientOf(gate);
      const caught: unknown = await client.chat.completions
        .create({ model: 'standard', messages })
        .catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(OpenAI.RateLimitError);
      const { headers, error } = caught as InstanceType<typeof OpenAI.RateLimitError>;
      expect(error).toMatchObject({ limit, limit_value: '100', left: '3', refills: '2026-01-01T00:01:00.000Z' });
      const told = ['retry-after', `x-ratelimit-limit-${name}`, `x-ratelimit-remaining-${name}`, `x-ratelimit-reset-${name}`];
      expect(told.map((header) => headers?.get(header))).toEqual(['60', '100', '3', '60s']);
    },
  );

  it.each([false, true])(
    'reads from an answer, streamed (%s) or not, what is left now that it is reserved for',
    async (stream) => {
      await using gate = await edge();
      const refillsUnixMs = BigInt(gate.mesh.clock.nowMs() + 30_000);
      gate.ledger.limits = [
        { limit: 'user/llm_tokens/minute', limitValue: 1_000n, left: 923n, refillsUnixMs },
        { limit: 'user/requests/minute', limitValue: 60n, left: 9n, refillsUnixMs },
      ];
      const request = { model: 'standard', messages, stream, max_tokens: 20 };
      const { data, response } = await clientOf(gate).chat.completions.create(request).withResponse();
      if (Symbol.asyncIterator in data) for await (const _chunk of data);
      const told = ['limit', 'remaining', 'reset'].flatMap((what) =>
        ['tokens', 'requests'].map((unit) => response.headers.get(`x-ratelimit-${what}-${unit}`)),
      );
      expect(told).toEqual(['1000', '60', '923', '9', '30s', '30s']);
    },
  );

  it.each([
    ['speech', 'characters', 'wav'],
    ['speech', 'characters', 'pcm'],
    ['transcriptions', 'audio-seconds', undefined],
  ] as const)('reads from an answer of %s, too, what is left, in %s (%s)', async (what, unit, format) => {
    await using gate = await edge();
    const refillsUnixMs = BigInt(gate.mesh.clock.nowMs() + 30_000);
    gate.ledger.limits = [
      { limit: `user/${what === 'speech' ? 'tts_characters' : 'asr_ms'}/day`, limitValue: 90_000n, left: 7_000n, refillsUnixMs },
    ];
    const { audio } = clientOf(gate);
    const call =
      format === undefined
        ? audio.transcriptions.create({ file: await clip(), model: 'whisper-1' })
        : audio.speech.create({ input: 'Hello.', model: 'tts-1', voice: 'alloy', response_format: format });
    const { headers } = await call.asResponse();
    expect(headers.get(`x-ratelimit-remaining-${unit}`)).toBe(what === 'speech' ? '7000' : '7');
  });

  it('comes again by itself when a limit refills soon, and is served then', async () => {
    await using gate = await edge();
    gate.ledger.refuse(Unit.UNIT_LLM_TOKENS, 'user/llm_tokens/minute');
    gate.mesh.clock.advance(59_000);
    const client = clientOf(gate).withOptions({
      maxRetries: 2,
      fetch: async (...words) => {
        const response = await fetch(...words);
        if (response.status === 429) gate.ledger.refused.clear();
        return response;
      },
    });
    expect((await client.chat.completions.create({ model: 'standard', messages })).choices[0]?.finish_reason).toBe('stop');
  });
});
