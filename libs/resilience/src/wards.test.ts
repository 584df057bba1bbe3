import { describe, expect, it } from 'vitest';
import { PROBES_TO_CLOSE } from './breaker.ts';
import { type Hint, Wards } from './wards.ts';

const hint = (instance: string, state: Hint['state']): Hint => ({ instance, model: 'base', state, because: 'it fails' });

function wards(hints: readonly Hint[]): Wards {
  return new Wards({ nowMs: () => 0, onChange: () => undefined, hints: () => hints });
}

describe('a model whose breaker is open at other instances', () => {
  it('is doubted where nothing is known of it: copies are tried before callers', () => {
    expect(wards([hint('asr-2', 'open')]).standing('base')).toEqual({
      kind: 'half-open',
      cause: 'failing',
      because: 'it is left at asr-2: it fails',
    });
  });

  it('is not doubted for what a few of many say, nor for another model', () => {
    const [one, two, three] = [hint('asr-2', 'open'), hint('asr-3', 'closed'), hint('asr-4', 'closed')];
    expect(wards([one, two, three]).standing('base').kind).toBe('closed');
    expect(wards([one, two]).standing('base').kind).toBe('half-open');
    expect(wards([one]).standing('tiny').kind).toBe('closed');
  });

  it('is believed by what it did here: good answers of the last minute outweigh what others say', async () => {
    const own = wards([hint('asr-2', 'open')]);
    for (let answer = 0; answer < PROBES_TO_CLOSE; answer += 1)
      await own.breaker('base').enter().settle({ kind: 'answered', share: 0.5 });
    expect(own.standing('base').kind).toBe('closed');
  });

  it('keeps its own open breaker whatever others say', () => {
    const own = wards([hint('asr-2', 'closed')]);
    own.breaker('base').hung('silent');
    expect(own.standing('base')).toMatchObject({ kind: 'open', cause: 'silent' });
    own.close();
  });
});

describe('a model that owes an answer', () => {
  it('is left by everybody else until it has given it', async () => {
    const own = wards([]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const owing = own.owes('base', promise);
    expect(own.standing('base')).toMatchObject({ kind: 'open', because: 'it owes an answer' });
    resolve();
    await owing;
    expect(own.standing('base').kind).toBe('closed');
  });
});
