import { MeshError } from '@smartlite/contracts';

/** How an answer finishes whose model failed after it had begun to be heard. */
export const CUT = 'cut';
/** Said in place of the rest then. */
export const CUT_SHORT = 'I am sorry, I have to stop here.';

/** The language model has failed in the middle of its answer, and no other can go on where it stopped. */
export class CutShort extends MeshError {
  constructor() {
    super('unavailable', 'the language model failed in the middle of its answer');
  }
}

/** Whether an answer that has begun to be heard can be ended in words: its model failed. Caller, mode and budget end it otherwise. */
export function canBeClosed(caught: unknown, signal: AbortSignal): boolean {
  return !signal.aborted && MeshError.from(caught).code === 'unavailable';
}
