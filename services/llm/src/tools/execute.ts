import type { Mode, SessionFacts, Timer } from '@smartlite/contracts';
import type { Day, Operator, TimerUnit, ToolCall } from './call.ts';
import { isRounded, LARGEST_SAID, spokenNumber } from './numbers.ts';
import { convert } from './units.ts';

/** Facts that tools speak of. Given to them, so that every answer can be replayed. */
export interface World {
  readonly nowMs: number;
  /** 0 up to, not including, 1. */
  readonly chance: number;
  readonly mode: Mode;
  readonly tier: string;
  readonly session: SessionFacts;
}

/** A spoken sentence, and the session's timers after it. */
export interface ToolAnswer {
  readonly text: string;
  readonly timers: readonly Timer[];
}

const TIMER_MS: Readonly<Record<TimerUnit, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000 };
const TIMER_MS_MAX = 24 * 3_600_000;
/** Timers that one session may have at a time. */
const TIMERS_MAX = 10;
const DAY_MS = 86_400_000;
const LONG_DATE = { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' } as const;
const NUMERIC_DATE = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;

/** Answers a call out of facts alone. Always a sentence, also where the call makes no sense. */
export function execute(call: ToolCall, world: World): ToolAnswer {
  if (call.name === 'timer') return timer(call, world);
  return { text: sentence(call, world), timers: world.session.timers };
}

function sentence(call: Exclude<ToolCall, { name: 'timer' }>, world: World): string {
  switch (call.name) {
    case 'time':
      return `It is ${inZone(world, world.nowMs, { hour: 'numeric', minute: '2-digit', hour12: true })}${zoneNote(world)}.`;
    case 'date':
      return date(call.day, world);
    case 'calc':
      return sum(call.left, call.operator, call.right);
    case 'unit':
      return conversion(call.value, call.from, call.to);
    case 'status':
      return statusSentence(world.mode);
    case 'tier':
      return `You are talking to the ${world.tier} tier.`;
    case 'budget':
      return budget(world.session);
    case 'spell':
      return `${capitalised(call.word)} is spelled ${[...call.word].map((letter) => letter.toUpperCase()).join(', ')}.`;
    case 'count':
      return `${range(call.from, call.to).join(', ')}.`;
    case 'choose':
      return `I choose ${pick(call.options, world.chance)}.`;
    case 'coin':
      return `It is ${pick(['heads', 'tails'], world.chance)}.`;
    case 'dice':
      return `You rolled a ${pick(['1', '2', '3', '4', '5', '6'], world.chance)}.`;
    case 'repeat':
      return world.session.lastAnswer || 'I have not said anything yet.';
  }
}

function date(day: Day, world: World): string {
  const shift = day === 'today' ? 0 : day === 'tomorrow' ? DAY_MS : -DAY_MS;
  const spoken = new Intl.DateTimeFormat('en-US', { ...LONG_DATE, timeZone: 'UTC' }).format(calendarDay(world) + shift);
  const verb = day === 'today' ? 'is' : day === 'tomorrow' ? 'will be' : 'was';
  return `${capitalised(day)} ${verb} ${spoken}.`;
}

/** Midnight UTC of the caller's calendar day: days are counted there, as a day where clocks change has 23 or 25 hours. */
function calendarDay({ nowMs, session }: World): number {
  const parts = new Intl.DateTimeFormat('en-US', { ...NUMERIC_DATE, timeZone: knownZone(session.timeZone) }).formatToParts(nowMs);
  const of = (type: 'year' | 'month' | 'day'): number => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'));
}

const OPERATORS: Readonly<Record<Operator, { readonly word: string; readonly of: (a: number, b: number) => number }>> = {
  '+': { word: 'plus', of: (a, b) => a + b },
  '-': { word: 'minus', of: (a, b) => a - b },
  '*': { word: 'times', of: (a, b) => a * b },
  '/': { word: 'divided by', of: (a, b) => a / b },
  '%': { word: 'percent of', of: (a, b) => (a / 100) * b },
};

function sum(left: number, operator: Operator, right: number): string {
  if (operator === '/' && right === 0) return 'I cannot divide by zero.';
  const { word, of } = OPERATORS[operator];
  const value = of(left, right);
  if (Math.abs(value) > LARGEST_SAID) return 'That number is too large for me.';
  const about = isRounded(value) ? 'about ' : '';
  return `${spokenNumber(left)} ${word} ${spokenNumber(right)} is ${about}${spokenNumber(value)}.`;
}

function conversion(value: number, from: string, to: string): string {
  const outcome = convert(value, from, to);
  if (outcome.kind === 'unknown-unit') return `I do not know the unit ${outcome.unit}.`;
  if (outcome.kind === 'other-family') return `I cannot convert ${from} to ${to}.`;
  if (Math.abs(outcome.value) > LARGEST_SAID) return 'That number is too large for me.';
  const about = isRounded(outcome.value) ? 'about ' : '';
  return `${spokenNumber(value)} ${outcome.from} is ${about}${spokenNumber(outcome.value)} ${outcome.to}.`;
}

function statusSentence(mode: Mode): string {
  if (mode === 'normal') return 'The mesh is in normal mode, and every model is verified.';
  return `The mesh is in ${mode} mode.`;
}

function budget({ llmTokensLeft }: SessionFacts): string {
  return llmTokensLeft === undefined ? 'I cannot see your budget here.' : `You have ${llmTokensLeft} tokens left.`;
}

function timer(call: Extract<ToolCall, { name: 'timer' }>, { nowMs, session }: World): ToolAnswer {
  const running = session.timers.filter((each) => Number(each.endsUnixMs) > nowMs);
  switch (call.action) {
    case 'cancel':
      return { text: running.length > 0 ? 'Your timer is cancelled.' : 'There is no timer running.', timers: [] };
    case 'left':
      return { text: timeLeft(running, nowMs), timers: running };
    case 'set':
      return setTimer(call, running, nowMs);
  }
}

function setTimer(call: Extract<ToolCall, { action: 'set' }>, running: readonly Timer[], nowMs: number): ToolAnswer {
  const lengthMs = call.amount * TIMER_MS[call.unit];
  if (lengthMs > TIMER_MS_MAX) return { text: 'I can set timers of up to 24 hours.', timers: running };
  if (running.length >= TIMERS_MAX) return { text: `There are ${TIMERS_MAX} timers running already.`, timers: running };
  const label = `${spokenNumber(call.amount)} ${call.unit}${call.amount === 1 ? '' : 's'}`;
  const added = { label, endsUnixMs: BigInt(Math.round(nowMs + lengthMs)) };
  return { text: `Your timer is set for ${label}.`, timers: [...running, added] };
}

function timeLeft(running: readonly Timer[], nowMs: number): string {
  const [next] = running.toSorted((a, b) => Number(a.endsUnixMs - b.endsUnixMs));
  if (!next) return 'There is no timer running.';
  const seconds = Math.max(1, Math.round((Number(next.endsUnixMs) - nowMs) / 1000));
  const parts = [
    [Math.floor(seconds / 3600), 'hour'],
    [Math.floor((seconds % 3600) / 60), 'minute'],
    [seconds % 60, 'second'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`);
  return `There ${seconds === 1 ? 'is' : 'are'} ${said.join(' and ')} left on your timer.`;
}

function inZone({ session }: World, atMs: number, format: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', { ...format, timeZone: knownZone(session.timeZone) })
    .format(atMs)
    .replaceAll('\u202f', ' ');
}

/** The zone is said when it is not the caller's own choice, so that nobody takes UTC for local time. */
function zoneNote({ session }: World): string {
  return knownZone(session.timeZone) === 'UTC' ? ' UTC' : '';
}

/** The caller's zone if it is one; UTC otherwise. The name is a caller's word. */
function knownZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name || 'UTC' }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}

function range(from: number, to: number): readonly number[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + index * step);
}

function pick(options: readonly string[], chance: number): string {
  return options[Math.floor(chance * options.length)] ?? options[0] ?? '';
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
