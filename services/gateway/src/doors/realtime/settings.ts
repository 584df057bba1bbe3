import { type ChatMessage, MeshError, type Timer, type TurnSettings } from '@smartlite/contracts';
import type { Said } from '../../turn/said.ts';
import { voiceName } from '../openai/names.ts';
import type { SessionUpdate, TurnDetection } from './events.ts';

/** Messages of earlier turns that are kept: what fits small models, and no more. */
const HISTORY_MAX = 16;

/** The last answer, as far as its listener can still be found not to have heard it. */
interface LastReply {
  readonly item: string;
  readonly said: Said;
  readonly message: ChatMessage;
}

/** The voice that an update names, as either generation of clients does. */
export function voiceIn({ voice, audio }: SessionUpdate): string | undefined {
  return voice ?? audio?.output?.voice;
}

/** What a session remembers. It lives with the connection, and nowhere else. */
export class SessionMemory {
  readonly #tier: string;
  #instructions = '';
  #voice = '';
  #history: ChatMessage[] = [];
  #timers: Timer[] = [];
  #lastReply: LastReply | undefined;
  /** How the recogniser ends an utterance by itself, at its first pause; null: it does not. */
  detection: TurnDetection = null;
  /** Names of events as OpenAI's general release has them. */
  released = false;

  constructor(tier: string) {
    this.#tier = tier;
  }

  update(update: SessionUpdate): void {
    const { type, instructions, turn_detection, audio } = update;
    if (type === 'realtime') this.released = true;
    this.#instructions = instructions ?? this.#instructions;
    this.#voice = voiceIn(update) ?? this.#voice;
    const detection = audio?.input?.turn_detection === undefined ? turn_detection : audio.input.turn_detection;
    if (detection !== undefined) this.detection = detection;
  }

  /** Keeps an exchange for the next ones. `said` tells later how much of the answer was heard; an answer that was cut is kept as far as it was. */
  remember(item: string, transcript: string, answer: string, said: Said): void {
    const message = { role: 'assistant', content: answer };
    this.#history = [...this.#history, { role: 'user', content: transcript }, message].slice(-HISTORY_MAX);
    this.#lastReply = { item, said, message };
  }

  keepTimers(timers: Timer[]): void {
    this.#timers = timers;
  }

  /** Forgets what nobody has heard of the last answer, of which so much has sounded. Throws where that is not what `item` names. */
  truncate(item: string, ms: number): void {
    const last = this.#lastReply;
    if (last?.item !== item)
      throw new MeshError('invalid-argument', 'item_id: the last answer alone can be cut, and this is not it');
    if (ms > last.said.ms)
      throw new MeshError('invalid-argument', `audio_end_ms: the answer has only ${Math.floor(last.said.ms)} ms`);
    last.message.content = last.said.heard(ms);
  }

  settings(): TurnSettings {
    const system = this.#instructions === '' ? [] : [{ role: 'system', content: this.#instructions }];
    return {
      tier: this.#tier,
      asrTier: '',
      asrLatencyMs: 0,
      voice: voiceName(this.#voice),
      history: [...system, ...this.#history.filter(({ content }) => content !== '')],
      timers: this.#timers,
      timeZone: '',
      endAtPause: this.detection !== null,
    };
  }

  /** As `session.created` and `session.updated` tell it. */
  facts(id: string) {
    return {
      id,
      object: 'realtime.session',
      type: 'realtime',
      model: this.#tier || 'standard',
      instructions: this.#instructions,
      voice: this.#voice,
      input_audio_format: 'pcm16',
      output_audio_format: 'pcm16',
      turn_detection: this.detection,
    };
  }
}
