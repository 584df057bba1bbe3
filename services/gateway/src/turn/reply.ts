import { MeshError, type TurnResponse } from '@smartlite/contracts';
import { OneRate } from '../audio/onerate.ts';
import { canBeClosed, CUT, CUT_SHORT } from './cutshort.ts';
import { Outbox } from './outbox.ts';
import type { Scene } from './scene.ts';
import { SentenceCutter } from './sentences.ts';
import { think } from './think.ts';
import { lengthMs, spoken, type Voicing } from './voice.ts';

/** Responses that wait for a slow client before the engines are held back. */
const OUTBOX_MAX = 64;
/** Sentences between the language model and the voice. */
const SENTENCES_MAX = 4;

export const NOTHING_HEARD = 'I did not hear anything.';
/** Said in place of the rest when the budget ends in mid-answer. Held for from the start, so that it can always be said. */
export const BUDGET_ENDED = 'Your budget is used up, so I have to stop here.';

/** The answer, token by token, and its speech, sentence by sentence, both as soon as they are there. */
export async function* reply(scene: Scene): AsyncIterable<TurnResponse> {
  const outbox = new Outbox<TurnResponse>(OUTBOX_MAX);
  const sentences = new Outbox<string>(SENTENCES_MAX);
  const enough = new AbortController();
  const thinker = { ...scene, signal: AbortSignal.any([scene.signal, enough.signal]) };
  const fail = (caught: unknown) => {
    outbox.fail(caught);
    sentences.fail(caught);
  };
  const thinking = answer(thinker, outbox, sentences).then(
    () => sentences.end(),
    (caught: unknown) => (enough.signal.aborted ? undefined : fail(caught)),
  );
  const stopThinking = () => {
    enough.abort(new MeshError('over-budget', 'the budget has ended'));
    return thinking;
  };
  const rate = new OneRate();
  void speak(scene, sentences, outbox, stopThinking, rate)
    .then(() => outbox.end(), fail)
    .finally(() => rate.close());
  yield* outbox.read(scene.signal);
}

async function answer(scene: Scene, outbox: Outbox<TurnResponse>, sentences: Outbox<string>): Promise<void> {
  const cutter = new SentenceCutter();
  const words = scene.progress.transcript === '' ? [NOTHING_HEARD] : think(scene);
  try {
    for await (const text of words) {
      await tell(scene, text, outbox);
      for (const sentence of cutter.push(text)) await sentences.put(sentence, scene.signal);
    }
  } catch (caught) {
    if (scene.progress.answer === '' || !canBeClosed(caught, scene.signal)) throw caught;
    // Half a sentence is dropped: nobody has heard it yet.
    scene.progress.finish = CUT;
    await tell(scene, ` … ${CUT_SHORT}`, outbox);
    return sentences.put(CUT_SHORT, scene.signal);
  }
  for (const sentence of cutter.end()) await sentences.put(sentence, scene.signal);
}

async function tell({ progress, signal }: Scene, text: string, outbox: Outbox<TurnResponse>): Promise<void> {
  if (text === '') return;
  progress.mark('firstToken');
  progress.answer += text;
  await outbox.put({ kind: { $case: 'answerDelta', value: text } }, signal);
}

async function speak(
  scene: Scene,
  sentences: Outbox<string>,
  outbox: Outbox<TurnResponse>,
  stopThinking: () => Promise<void>,
  rate: OneRate,
): Promise<void> {
  for await (const sentence of sentences.read(scene.signal)) {
    const text = sentence.trim();
    if (await mayBeSaid(scene, text)) {
      await say(scene, text, outbox, rate);
      continue;
    }
    await stopThinking();
    scene.progress.finish = 'budget';
    await tell(scene, ` ${BUDGET_ENDED}`, outbox);
    return say(scene, BUDGET_ENDED, outbox, rate);
  }
}

/** Whether the budget covers a sentence, with the closing one left to say. Before the first sound its end is an ordinary refusal. */
async function mayBeSaid({ meter, progress }: Scene, text: string): Promise<boolean> {
  try {
    await meter.hold('ttsCharacters', text.length + BUDGET_ENDED.length, text.length);
    return true;
  } catch (caught) {
    if (MeshError.from(caught).code === 'over-budget' && progress.hasSpoken) return false;
    throw caught;
  }
}

async function say(scene: Scene, text: string, outbox: Outbox<TurnResponse>, rate: OneRate): Promise<void> {
  await scene.meter.spend('ttsCharacters', text.length);
  scene.said.sentence(text);
  for await (const made of spoken(voicingOf(scene), text)) {
    scene.progress.mark('firstAudio');
    scene.said.sound(lengthMs(made));
    const frame = await rate.push(made);
    if (frame.pcm.length > 0) await outbox.put({ kind: { $case: 'audio', value: frame } }, scene.signal);
  }
  scene.said.end();
}

function voicingOf({ ports: { tts }, call, signal, settings: { voice }, progress }: Scene): Voicing {
  return { tts, call, signal, voice, rate: 0, served: (by) => (progress.tts = by) };
}
