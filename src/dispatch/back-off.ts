/** How long a request waits after it was put off, in milliseconds. */
export interface BackOff {
  /** The longest wait before the first retry; it doubles with every retry. */
  readonly minMs: number;
  /** The longest wait before any retry. */
  readonly maxMs: number;
}

/**
 * Returns the wait before the next try, with full jitter, so that requests that failed together do not return together.
 * @param retries how often the request was already put off, from 0.
 * @param random a number from 0 to 1.
 */
export function backOffMs({ minMs, maxMs }: BackOff, retries: number, random: number = Math.random()): number {
  // 2^30 times the shortest wait exceeds any limit; higher powers would overflow.
  return random * Math.min(maxMs, minMs * 2 ** Math.min(retries, 30));
}
