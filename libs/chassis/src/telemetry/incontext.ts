import { type Context, context } from '@opentelemetry/api';

/**
 * Runs each step of `source` in `active`. A generator's body runs in the context of whoever asks for its next value, so entering
 * once is not enough.
 */
export function inContext<T>(active: Context, source: () => AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = context.with(active, () => source()[Symbol.asyncIterator]());
      const leave = iterator.return?.bind(iterator);
      return {
        next: () => context.with(active, () => iterator.next()),
        return: (value) => (leave ? context.with(active, () => leave(value)) : Promise.resolve({ done: true, value })),
      };
    },
  };
}
