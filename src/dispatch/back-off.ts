/** How long a request that was put off waits, in milliseconds. */
export interface BackOff {
  /** The longest wait before the first retry; it doubles with every retry. */
  readonly minMs: number;
  /** The longest wait before any retry. */
  readonly maxMs: number;
}

/**
 * The wait before the next try: full jitter, so that requests that failed together do not come back together.
 * @param retries how often the request was put off before, from 0.
 * @param random a number from 0 to 1.
 */
export function backOffMs({ minMs, maxMs }: BackOff, retries: number, random: number = Math.random()): number {
  // 2^30 times the shortest wait is longer than any; beyond it the power overflows.
  return random * Math.min(maxMs, minMs * 2 ** Math.min(retries, 30));
}
