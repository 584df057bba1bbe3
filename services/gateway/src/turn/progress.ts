import type { Generation, ServedBy, Timer, TurnLatency } from '@smartlite/contracts';

type Moment = 'audioEnded' | 'transcript' | 'firstToken' | 'firstAudio';

/** How far a turn has come: what was heard and said, by whom, and when. */
export class Progress {
  readonly #nowMs: () => number;
  readonly #marks: Partial<Record<Moment, number>> = {};
  transcript = '';
  answer = '';
  finish = 'stop';
  timers: Timer[];
  asr: ServedBy | undefined;
  llm: ServedBy | undefined;
  tts: ServedBy | undefined;

  constructor(nowMs: () => number, timers: Timer[]) {
    this.#nowMs = nowMs;
    this.timers = timers;
  }

  /** Keeps when something happened for the first time. */
  mark(moment: Moment): void {
    this.#marks[moment] ??= this.#nowMs();
  }

  get hasSpoken(): boolean {
    return this.#marks.firstAudio !== undefined;
  }

  /** `rationed`: the budget allowed less than a whole answer. */
  thought({ servedBy, timers, finishReason }: Generation, rationed: boolean): void {
    this.llm = servedBy;
    this.timers = timers;
    this.finish = rationed && finishReason === 'length' ? 'budget' : finishReason;
  }

  /** All from the end of the speaker's audio. */
  latency(): TurnLatency {
    const ended = this.#marks.audioEnded;
    const since = (mark: number | undefined) => (mark === undefined || ended === undefined ? 0 : Math.max(0, mark - ended));
    const { transcript, firstToken, firstAudio } = this.#marks;
    return {
      finalTranscriptMs: since(transcript),
      firstTokenMs: since(firstToken),
      firstAudioMs: since(firstAudio),
      doneMs: since(this.#nowMs()),
    };
  }
}
