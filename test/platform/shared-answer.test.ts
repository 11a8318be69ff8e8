import { expect, test, vi } from 'vitest';
import { shareAnswer } from '../../src/platform/shared-answer.ts';

const KEY = {};

test('those who ask at once and soon after get one answer, later ones a new one that knows the answer before', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const compute = vi.fn(async (_key: object, before: number | undefined) => (before ?? 0) + 1);
  const answer = shareAnswer(2_000, compute);
  expect(await Promise.all([answer(KEY), answer(KEY), answer(KEY)])).toEqual([1, 1, 1]);
  vi.advanceTimersByTime(1_999);
  expect(await answer(KEY)).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await answer(KEY)).toBe(2);
  expect(compute).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

test('an error is shared by those who waited for it, and the next caller asks again', async () => {
  let calls = 0;
  const answer = shareAnswer(60_000, async () => {
    calls += 1;
    if (calls === 1) throw new Error('away');
    return calls;
  });
  const both = await Promise.allSettled([answer(KEY), answer(KEY)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await answer(KEY)).toBe(2);
});

test('each key has its own answer', async () => {
  const answer = shareAnswer(60_000, async (key: { readonly name: string }) => key.name);
  expect(await Promise.all([answer({ name: 'one' }), answer({ name: 'other' })])).toEqual(['one', 'other']);
});
