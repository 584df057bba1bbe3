import { trace } from '@opentelemetry/api';
import type { ServedBy } from '@smartlite/contracts';

/** What a call came to, beside who served it. Counts and words of ours. */
export interface Outcome {
  /** As `gen_ai.operation.name` has it: `chat`, or where the conventions have no word, one of ours. */
  readonly operation: 'chat' | 'transcription' | 'speech';
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly finishReason?: string;
}

/** Adds to the span of the call that is being served; without one, nothing happens. Never a word of the user's. */
export function traceFacts(facts: Readonly<Record<string, string | number | string[]>>): void {
  trace.getActiveSpan()?.setAttributes(facts);
}

/** Says on the call's span which model answered it and why (OpenTelemetry's `gen_ai` conventions, and names of ours beside them). */
export function traceServedBy(by: ServedBy | undefined, { operation, inputTokens, outputTokens, finishReason }: Outcome): void {
  if (by === undefined) return;
  traceFacts({
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': 'smartlite',
    'gen_ai.request.model': by.tier,
    'gen_ai.response.model': by.model,
    'smartlite.role': by.role,
    'smartlite.because': by.because,
    ...(inputTokens !== undefined && { 'gen_ai.usage.input_tokens': inputTokens }),
    ...(outputTokens !== undefined && { 'gen_ai.usage.output_tokens': outputTokens }),
    ...(finishReason !== undefined && { 'gen_ai.response.finish_reasons': [finishReason] }),
  });
}
