/**
 * Answers requests of a stream as each is ready, in any order: gives what is ready at one moment at once. At most `max` are under way: beyond that the stream is read no
 * further, which holds the sender back. Ends when the requests have ended and all are answered, or with the signal; a failure of
 * the stream or of `answer` is thrown.
 */
export async function* interleave<Q, A>(
  requests: AsyncIterable<Q>,
  answer: (request: Q) => Promise<A>,
  max: number,
  signal: AbortSignal,
): AsyncIterable<readonly A[]> {
  let ready: A[] = [];
  let underWay = 0;
  let reading = true;
  let failure: { readonly caught: unknown } | undefined;
  let bell = Promise.withResolvers<void>();
  const ring = () => bell.resolve();
  const change = () => bell.promise.then(() => void (bell = Promise.withResolvers<void>()));
  let slot = Promise.withResolvers<void>();

  const work = async (request: Q) => {
    const answered = await answer(request);
    ready.push(answered);
    underWay -= 1;
    slot.resolve();
  };
  const read = async () => {
    for await (const request of requests) {
      underWay += 1;
      void work(request)
        .catch((caught: unknown) => (failure = { caught }))
        .finally(ring);
      while (underWay >= max) await (slot = Promise.withResolvers<void>()).promise;
    }
  };
  signal.addEventListener('abort', ring, { once: true });
  void read()
    .catch((caught: unknown) => (failure = { caught }))
    .finally(() => {
      reading = false;
      ring();
    });

  try {
    while (!signal.aborted) {
      while (ready.length > 0) {
        const answers = ready;
        ready = [];
        yield answers;
      }
      if (failure) throw failure.caught;
      if (!reading && underWay === 0 && ready.length === 0) return;
      await change();
    }
  } finally {
    signal.removeEventListener('abort', ring);
  }
}
