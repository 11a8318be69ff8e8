import { describe, expect, test } from 'vitest';
import { createCasSilence } from '../../src/dispatch/cas-silence.ts';
import type { ConaxAnswer } from '../../src/conax/client.types.ts';

/** A clock that the test moves. */
function withClock(): { silence: ReturnType<typeof createCasSilence>; pass: (ms: number) => void } {
  let now = 1_000;
  return { silence: createCasSilence(() => now), pass: (ms) => (now += ms) };
}
const answer = (kind: ConaxAnswer['kind']): ConaxAnswer => ({ kind }) as ConaxAnswer;

describe('The silence of the CAS', () => {
  test('is none while nothing is asked, however long that is', () => {
    const { silence, pass } = withClock();
    pass(60_000);
    expect(silence.silentMs()).toBe(0);
    silence.begin()(answer('accepted'));
    pass(60_000);
    expect(silence.silentMs()).toBe(0);
  });

  test('counts from the begin of the oldest call under way', () => {
    const { silence, pass } = withClock();
    const first = silence.begin();
    pass(2_000);
    silence.begin();
    pass(1_000);
    expect(silence.silentMs()).toBe(3_000);
    first(answer('unknown'));
    expect(silence.silentMs()).toBe(1_000);
  });

  test.each(['accepted', 'refused', 'try-later', 'not-authorised'] as const)(
    'ends with any answer of it, %s too, although other calls hang',
    (kind) => {
      const { silence, pass } = withClock();
      silence.begin();
      const other = silence.begin();
      pass(5_000);
      other(answer(kind));
      expect(silence.silentMs()).toBe(0);
      pass(700);
      expect(silence.silentMs()).toBe(700);
    },
  );

  test.each(['unknown', 'not-sent', 'invalid'] as const)('does not end with a call that got no answer: %s', (kind) => {
    const { silence, pass } = withClock();
    silence.begin();
    const other = silence.begin();
    pass(5_000);
    other(answer(kind));
    expect(silence.silentMs()).toBe(5_000);
  });
});
