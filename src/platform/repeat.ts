import { setTimeout as sleep } from 'node:timers/promises';

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

/** How soon a step is tried again. */
const AGAIN_MS = 1_000;

export interface Patience {
  /** What a failure means for people; null: waiting does not help, and the error is thrown as it is. */
  readonly problemOf: (error: unknown) => string | null;
  /** Called with each problem that differs from the one before. */
  readonly onProblem: (problem: string) => void;
  /** By `performance.now()`: no try starts later, and the last problem is thrown; default: never. */
  readonly until?: number;
  /** Ends the waiting; the step may not have succeeded then. */
  readonly signal?: AbortSignal;
}

/** Does a step again, a second after each failure, until it succeeds. @throws the last problem once the time is over. */
export async function patiently(step: () => Promise<void>, patience: Patience): Promise<void> {
  const { problemOf, onProblem, until = Infinity, signal } = patience;
  const isOver = (): boolean => signal?.aborted === true;
  for (let told = ''; !isOver();) {
    try {
      return await step();
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      if (performance.now() + AGAIN_MS > until) throw new Error(problem, { cause: error });
      if (problem !== told) onProblem(problem);
      told = problem;
      await sleep(AGAIN_MS, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
  }
}
