import type { ChatMessage, Timer, TurnDone, TurnSettings } from '@smartlite/contracts';
import { voiceName } from '../openai/names.ts';
import type { SessionUpdate } from './events.ts';

/** Messages of earlier turns that are kept: what fits small models, and no more. */
const HISTORY_MAX = 16;

/** What a session remembers. It lives with the connection, and nowhere else. */
export class SessionMemory {
  readonly #tier: string;
  #instructions = '';
  #voice = '';
  #history: ChatMessage[] = [];
  #timers: Timer[] = [];
  /** The recogniser ends an utterance at its first pause. */
  endAtPause = false;
  /** Names of events as OpenAI's general release has them. */
  released = false;

  constructor(tier: string) {
    this.#tier = tier;
  }

  update({ type, instructions, voice, turn_detection, audio }: SessionUpdate): void {
    if (type === 'realtime') this.released = true;
    this.#instructions = instructions ?? this.#instructions;
    this.#voice = voice ?? audio?.output?.voice ?? this.#voice;
    const detection = audio?.input?.turn_detection === undefined ? turn_detection : audio.input.turn_detection;
    if (detection !== undefined) this.endAtPause = detection !== null;
  }

  remember({ transcript, answer, timers }: TurnDone): void {
    const said = [
      { role: 'user', content: transcript },
      { role: 'assistant', content: answer },
    ].filter(({ content }) => content !== '');
    this.#history = [...this.#history, ...said].slice(-HISTORY_MAX);
    this.#timers = timers;
  }

  settings(): TurnSettings {
    const system = this.#instructions === '' ? [] : [{ role: 'system', content: this.#instructions }];
    return {
      tier: this.#tier,
      asrTier: '',
      voice: voiceName(this.#voice),
      history: [...system, ...this.#history],
      timers: this.#timers,
      timeZone: '',
      endAtPause: this.endAtPause,
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
      turn_detection: this.endAtPause ? { type: 'server_vad' } : null,
    };
  }
}
