import type { Turn, TurnDone } from './turn.ts';

/** A finished turn as lines for a person. */
export function describeTurn({ done, pcm, rateHz }: Turn, replyPath: string): string {
  const seconds = (pcm.byteLength / 2 / rateHz).toFixed(1);
  const rows: readonly [string, string][] = [
    ['heard', done.transcript],
    ['answer', done.answer],
    ['reply', `${replyPath} (${seconds} s of speech)`],
    ['served by', servedBy(done)],
    ['latency', pairs(done.latencyMs, (name, value) => `${words(name)} ${Math.round(Number(value))} ms`)],
    ['charged', pairs(done.budget, (name, value) => `${words(name)} ${String(value)}`)],
    ['audit', `${auditReference(done)}   (npx smartlite audit prove ${auditReference(done)})`],
    ['trace', `${done.traceId}   (npx smartlite trace ${done.traceId})`],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join('\n');
}

/** The id of the turn's audit entry. */
function auditReference({ audit }: TurnDone): string {
  return typeof audit === 'string' ? audit : audit.id;
}

function servedBy({ servedBy: served }: TurnDone): string {
  return pairs(served, (service, by) => (by ? `${service} ${by.model} (${by.tier}, ${by.role})` : service));
}

function pairs<T>(record: Readonly<Record<string, T>>, text: (name: string, value: T) => string): string {
  return Object.entries(record)
    .filter(([, value]) => value !== null && typeof value !== 'undefined')
    .map(([name, value]) => text(name, value))
    .join(' | ');
}

/** `firstAudio` as `first audio`. */
function words(name: string): string {
  return name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
