/**
 * Returns a function that computes an answer and shares it with everybody who asks while it is computed, and for `forMs`
 * after that. Each key has its own answer. An error is shared by those who waited for it, and the next caller computes
 * again.
 * @param compute gets the answer before, undefined if there is none.
 */
export function shareAnswer<K extends object, T>(
  forMs: number,
  compute: (key: K, before: T | undefined) => Promise<T>,
): (key: K) => Promise<T> {
  const answers = new WeakMap<K, Shared<T>>();
  return (key) => {
    const known = answers.get(key);
    if (known?.answer != null && performance.now() < known.until) return known.answer;
    const shared: Shared<T> = { answer: null, last: known?.last, until: Infinity };
    answers.set(key, shared);
    const answer = answerInto(shared, key);
    shared.answer = answer;
    return answer;
  };

  async function answerInto(shared: Shared<T>, key: K): Promise<T> {
    try {
      const answer = await compute(key, shared.last);
      shared.last = answer;
      shared.until = performance.now() + forMs;
      return answer;
    } catch (error) {
      shared.until = 0;
      throw error;
    }
  }
}

interface Shared<T> {
  answer: Promise<T> | null;
  /** The last answer that was no error. */
  last: T | undefined;
  /** By `performance.now()`; Infinity while it is computed. */
  until: number;
}
