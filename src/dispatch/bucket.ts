/**
 * A token bucket: one token is one SOAP call. It fills with `perSecond` tokens a second up to `capacity` and starts
 * empty. So in any window calls <= capacity + perSecond * time, restarts included. Times are milliseconds of one
 * monotonic clock.
 */
export interface Bucket {
  /** Sets how fast it fills and how much it holds. Tokens beyond the capacity are lost at once; none are added. */
  resize(now: number, perSecond: number, capacity: number): void;
  /** Takes a token, if there is one. */
  tryTake(now: number): boolean;
  /** Puts back a token whose call was not made. */
  putBack(): void;
  /** Returns the milliseconds until there is a token: 0 if there is one, Infinity if there never will be. */
  waitMs(now: number): number;
}

/** Creates a bucket that lets nothing through until it is resized. */
export function createBucket(): Bucket {
  let tokens = 0;
  let perSecond = 0;
  let capacity = 0;
  let filledAt = 0;

  const fill = (now: number): void => {
    tokens = Math.min(capacity, tokens + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
  };
  return {
    resize(now, newPerSecond, newCapacity) {
      fill(now);
      perSecond = newPerSecond;
      capacity = newCapacity;
      tokens = Math.min(tokens, capacity);
    },
    tryTake(now) {
      fill(now);
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    putBack() {
      tokens = Math.min(capacity, tokens + 1);
    },
    waitMs(now) {
      fill(now);
      if (tokens >= 1) return 0;
      return perSecond === 0 || capacity < 1 ? Infinity : ((1 - tokens) / perSecond) * 1000;
    },
  };
}
