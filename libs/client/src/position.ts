import { MeshError } from '@smartlite/contracts';

/** A place in the stream of events: which stream (when it was made), and the sequence of the last event seen. */
export interface Position {
  readonly stream: string;
  readonly sequence: number;
}

/** As events carry it, and `after` takes it back. */
export function positionText({ stream, sequence }: Position): string {
  return `${stream}/${sequence}`;
}

/** Throws `invalid-argument` for what no event has ever carried. */
export function parsePosition(text: string): Position {
  const match = /^([^/]{1,64})\/(\d{1,15})$/.exec(text);
  if (match === null)
    throw new MeshError('invalid-argument', `"${text}" is no position of an event: take one that an event carried`);
  return { stream: match[1] as string, sequence: Number(match[2]) };
}
