import { argumentsInQuestion, DECLINE_TEXT, decline, type DeclineThresholds } from '../../../../services/llm/src/decline.ts';
import { normalise } from '../../../../services/llm/src/normalise.ts';
import type { Said } from './nano.ts';
import type { Question } from './questions.ts';

/** What would have been spoken: the model's words, or a decline and its reason. */
export type Outcome = { readonly kind: 'spoken'; readonly text: string } | { readonly kind: 'declined'; readonly because: string };

/** The service's own rules over what a model said. */
export function outcome(question: Question, said: Said, known: ReadonlySet<string>, thresholds: DeclineThresholds): Outcome {
  if (said.text === DECLINE_TEXT) return { kind: 'declined', because: 'the model said so' };
  if (said.text.startsWith('<') && !/^<[a-z]+[^<>]*>$/.test(said.text)) return { kind: 'declined', because: 'broken call' };
  const conversation = normalise([...question.before.flatMap((turn) => [turn.question, turn.heard]), question.question].join(' . '));
  if (!argumentsInQuestion(said.text, conversation)) return { kind: 'declined', because: 'arguments not said' };
  const words = normalise(question.question).split(' ').filter((word) => word !== '');
  const judgement = decline({ words, known, meanLogProb: said.meanLogProb, answer: said.text }, thresholds);
  return judgement.kind === 'decline' ? { kind: 'declined', because: judgement.because } : { kind: 'spoken', text: said.text };
}

export function isRight(question: Question, result: Outcome): boolean {
  if (question.kind === 'decline') return result.kind === 'declined';
  if (result.kind === 'declined') return false;
  return question.kind === 'call' ? result.text === question.expected : new RegExp(question.expected).test(result.text) && !result.text.startsWith('<');
}
