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
    if (known !== undefined && performance.now() < known.until) return known.answer;
    const shared: Shared<T> = { answer: compute(key, known?.last), last: known?.last, until: Infinity };
    answers.set(key, shared);
    shared.answer.then(
      (answer) => {
        shared.last = answer;
        shared.until = performance.now() + forMs;
      },
      () => (shared.until = 0),
    );
    return shared.answer;
  };
}

interface Shared<T> {
  readonly answer: Promise<T>;
  /** The last answer that was no error. */
  last: T | undefined;
  /** By `performance.now()`; Infinity while it is computed. */
  until: number;
}
