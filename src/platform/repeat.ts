/** Work that is done again and again, never twice at once. */
export interface Repeated {
  /** Does it at once, or once more right after the time that is under way. */
  now(): void;
  /** Lets the time that is under way end, and does it no more. */
  stop(): Promise<void>;
}

/** Does `work` at once and then `everyMs` after each end. What it throws goes to `onError`, and it is done again. */
export function repeat(everyMs: number, work: () => Promise<void>, onError: (error: unknown) => void): Repeated {
  let stopped = false;
  let again = false;
  let underWay: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    clearTimeout(timer);
    again = false;
    underWay = work()
      .catch(onError)
      .finally(() => {
        underWay = null;
        if (stopped) return;
        if (again) start();
        else timer = setTimeout(start, everyMs);
      });
  };
  start();
  return {
    now: () => {
      if (stopped) return;
      if (underWay) again = true;
      else start();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}
