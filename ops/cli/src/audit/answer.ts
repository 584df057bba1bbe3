import { readFile } from 'node:fs/promises';
import { readAnswerReceipt, TrustError, type UnprovenReceipt } from '@smartlite/trust';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { OwnParts } from './receipt.ts';

/** `talk --json`, a `done` event, or a chat completion that was kept; of anything else the receipt alone. */
const answerSchema = z.looseObject({
  receipt: z.string(),
  receiptSalt: z.string().optional(),
  receipt_salt: z.string().optional(),
  transcript: z.string().optional(),
  answer: z.string().optional(),
});

/** A receipt, and what came along with it. */
export interface KeptAnswer {
  readonly unproven: UnprovenReceipt;
  readonly salt: string | undefined;
  readonly output: OwnParts;
}

/** Reads a file with a receipt, bare or in the JSON of an answer. Input that is none is misuse. */
export async function readAnswer(file: string): Promise<KeptAnswer> {
  const remedy = 'Keep what the gateway sent: npx smartlite talk QUESTION.wav --json > answer.json';
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Problem(`${file}: no receipt can be read there.`, remedy, { exitCode: 2, cause });
  });
  const answer = answerSchema.safeParse(jsonOf(text)).data ?? { receipt: text };
  try {
    const { transcript, answer: words } = answer;
    const output = { ...(transcript !== undefined && { transcript }), ...(words !== undefined && { answer: words }) };
    return { unproven: readAnswerReceipt(answer.receipt), salt: answer.receiptSalt ?? answer.receipt_salt, output };
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause;
    throw new Problem(`${file}: ${cause.message}.`, remedy, { exitCode: 2, cause });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
