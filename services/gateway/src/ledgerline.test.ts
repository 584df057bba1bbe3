import { type AccountRequest, type AccountResponse, MeshError } from '@smartlite/contracts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StreamedLedgerLine } from './ledgerline.ts';

const RESERVE = { key: 'turn-1', tenant: 'acme', user: 'ann', amounts: [], covered: [], lifeMs: 1_000 };
const granted = (request: AccountRequest): AccountResponse => {
  const value = { outcome: { $case: 'granted' as const, value: { id: 'r-1', amounts: [], notAfterUnixMs: 0n, limits: [] } } };
  return { id: request.id, result: { $case: 'reserve', value } };
};

afterEach(() => void vi.useRealTimers());

describe('the line to the budget', () => {
  it('carries many commands on one stream, and answers them in any order', async () => {
    let streams = 0;
    const line = new StreamedLedgerLine({
      async *account(requests) {
        streams += 1;
        const held: AccountRequest[] = [];
        for await (const request of requests) {
          held.push(...(request.command?.$case === 'batch' ? request.command.value.commands : [request]));
          if (held.length === 3) yield* held.toReversed().map(granted);
        }
      },
    });
    const answers = await Promise.all([1, 2, 3].map(() => line.reserve(RESERVE)));
    expect([streams, answers.length]).toEqual([1, 3]);
    line.close();
  });

  it('carries in one message what came while the one before was being sent, and takes many answers from one', async () => {
    const messages: number[] = [];
    const line = new StreamedLedgerLine({
      async *account(requests) {
        for await (const request of requests) {
          const commands = request.command?.$case === 'batch' ? request.command.value.commands : [request];
          messages.push(commands.length);
          yield { id: 0n, result: { $case: 'batch', value: { results: commands.map(granted) } } };
        }
      },
    });
    const first = line.reserve(RESERVE);
    const rest = Array.from({ length: 20 }, () => line.reserve(RESERVE));
    for (const answer of await Promise.all([first, ...rest])) expect(answer).toMatchObject({ outcome: { $case: 'granted' } });
    expect(messages.reduce((sum, count) => sum + count, 0)).toBe(21);
    expect(messages.length).toBeLessThanOrEqual(2);
    line.close();
  });

  it('asks the same once more when the stream breaks, for the same command twice is one', async () => {
    const keys: string[] = [];
    const line = new StreamedLedgerLine({
      async *account(requests) {
        for await (const request of requests) {
          keys.push(request.command?.$case === 'reserve' ? request.command.value.key : '');
          if (keys.length === 1) throw new MeshError('unavailable', 'the replica is gone');
          yield granted(request);
        }
      },
    });
    expect(await line.reserve(RESERVE)).toMatchObject({ outcome: { $case: 'granted' } });
    expect(keys).toEqual(['turn-1', 'turn-1']);
    line.close();
  });

  it('asks the same once more for a turn that is under way when the ledger is late, and refuses a new one', async () => {
    const asked: string[] = [];
    const late = { code: 'budget-unavailable', message: 'the ledger did not answer in time', retryAfterMs: 1_000 };
    const line = new StreamedLedgerLine({
      async *account(requests) {
        for await (const { id, command } of requests) {
          asked.push(command?.$case ?? '');
          const outcome = { $case: 'granted' as const, value: { id: 'r-1', amounts: [], notAfterUnixMs: 0n, limits: [] } };
          if (asked.length === 2) yield { id, result: { $case: 'extend', value: { outcome } } };
          else yield { id, result: { $case: 'failure', value: late } };
        }
      },
    });
    expect(await line.extend({ reservationId: 'r-1', key: '1', more: [], spent: [] })).toMatchObject({
      outcome: { $case: 'granted' },
    });
    await expect(line.settle({ reservationId: 'r-1', spent: [] })).rejects.toMatchObject({ code: 'budget-unavailable' });
    await expect(line.reserve(RESERVE)).rejects.toMatchObject({ code: 'budget-unavailable' });
    expect(asked).toEqual(['extend', 'extend', 'settle', 'settle', 'reserve']);
    line.close();
  });

  it('never takes a budget that cannot be asked for one that is free', async () => {
    const line = new StreamedLedgerLine({
      account: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new MeshError('unavailable', 'nobody is there')) }),
      }),
    });
    await expect(line.reserve(RESERVE)).rejects.toMatchObject({ code: 'budget-unavailable', retryAfterMs: 500 });
  });

  it('passes on the code of a command that the budget refuses', async () => {
    const line = new StreamedLedgerLine({
      async *account(requests) {
        for await (const { id } of requests)
          yield { id, result: { $case: 'failure', value: { code: 'conflict', message: 'another', retryAfterMs: 0 } } };
      },
    });
    await expect(line.reserve(RESERVE)).rejects.toMatchObject({ code: 'conflict' });
    line.close();
  });

  it('passes on when the budget may be asked again', async () => {
    const value = { code: 'budget-unavailable', message: 'entries were lost', retryAfterMs: 60_000 };
    const line = new StreamedLedgerLine({
      async *account(requests) {
        for await (const { id } of requests) yield { id, result: { $case: 'failure', value } };
      },
    });
    await expect(line.reserve(RESERVE)).rejects.toMatchObject({ code: 'budget-unavailable', retryAfterMs: 60_000 });
    line.close();
  });

  it('gives back a grant that comes after its asker has gone', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const late = Promise.withResolvers<void>();
    const released = Promise.withResolvers<string>();
    const line = new StreamedLedgerLine({
      async *account(requests) {
        for await (const request of requests) {
          if (request.command?.$case === 'release') released.resolve(request.command.value.reservationId);
          else {
            await late.promise;
            yield granted(request);
          }
        }
      },
    });
    const refused = expect(line.reserve(RESERVE)).rejects.toMatchObject({ code: 'budget-unavailable' });
    await vi.advanceTimersByTimeAsync(5_000);
    await refused;
    late.resolve();
    expect(await released.promise).toBe('r-1');
    line.close();
  });
});
