import type { FindingCode } from '@smartlite/trust';
import type { Stage } from './stage.ts';

/** One attack: what it is called in the documents, the finding it must lead to, what the fleet does, and how it is done. */
export interface Attack {
  readonly name: string;
  readonly code: FindingCode;
  readonly mode: 'safe' | 'halted';
  readonly act: (stage: Stage) => unknown;
}

export function attack(name: string, code: FindingCode, mode: Attack['mode'], act: Attack['act']): Attack {
  return { name, code, mode, act };
}
