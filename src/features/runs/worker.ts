import type { Counter, Registry } from '@prometheus-io/client';
import { isDatabaseOutage } from '../../platform/database-errors.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logging.ts';
import { counter } from '../../platform/metrics.ts';
import { type StepParts, stepRun } from './step.ts';
import { lockRun, moveRun, openRuns, writeFailure } from './store.ts';

export interface RunWorkerOptions extends StepParts {
  /** Starts the runs that are due by schedule; returns how many schedules were due. */
  readonly startDue: () => Promise<number>;
  readonly metrics: RunMetrics;
  readonly logger: Logger;
  /** How long a run rests after a failed step, in milliseconds; default 1,000. */
  readonly restMs?: number;
}

export interface RunWorker {
  /** Wakes the worker: a run was created here, or one of its requests is final. */
  wake(): void;
  /** Finishes the current step and stops. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * How often to look for work that nobody announced: runs of another instance or of the command line, and due schedules.
 */
const IDLE_MS = 1_000;
/** How often to look for final requests while runs are open. */
const BUSY_MS = 100;
const FAILED_MS = 1_000;
/** After this many failures in a row the run is FAILED and needs a person. */
const FAILURES_MAX = 5;

/**
 * Works on every open run, one step of each in turn, and starts runs that are due by schedule. Every instance has a
 * worker. A run's row is locked for each step, so the instances share the runs, and another one continues when one is
 * killed.
 */
export function startRunWorker(options: RunWorkerOptions): RunWorker {
  const { db, logger, metrics, restMs = FAILED_MS } = options;
  const stopping = new AbortController();
  let woken = false;
  let wakeUp: (() => void) | null = null;
  /** When to look for due schedules again. */
  let schedulesAt = 0;
  /** Until when each run whose last step failed rests. */
  const restUntil = new Map<number, number>();
  const working = work();

  async function work(): Promise<void> {
    let lastRoundFailed = false;
    while (!stopping.signal.aborted) {
      let waitMs = IDLE_MS;
      try {
        waitMs = await round();
        lastRoundFailed = false;
      } catch (error) {
        metrics.errors.inc({ part: 'round' });
        if (!lastRoundFailed) logger.warn({ problem: messageOf(error) }, 'runs: the worker failed; trying again');
        lastRoundFailed = true;
        waitMs = FAILED_MS;
      }
      if (waitMs > 0) await pause(waitMs);
    }
  }

  /** Does one step of every open run; returns after how many milliseconds the next round is due. */
  async function round(): Promise<number> {
    let started = 0;
    if (performance.now() >= schedulesAt) {
      schedulesAt = performance.now() + IDLE_MS;
      started = await options.startDue();
    }
    const ids = await openRuns(db);
    let more = started > 0;
    for (const id of ids) {
      if (stopping.signal.aborted) return 0;
      more = (await step(id)) || more;
    }
    if (more) return 0;
    return ids.length > 0 ? BUSY_MS : IDLE_MS;
  }

  async function step(id: number): Promise<boolean> {
    if (performance.now() < (restUntil.get(id) ?? 0)) return false;
    restUntil.delete(id);
    try {
      return (await stepRun(id, options)) === 'more';
    } catch (error) {
      if (isDatabaseOutage(error)) throw error;
      metrics.errors.inc({ part: 'step' });
      await failed(id, messageOf(error));
      return false;
    }
  }

  async function failed(id: number, problem: string): Promise<void> {
    restUntil.set(id, performance.now() + restMs);
    const failures = await writeFailure(db, id, problem);
    logger.error({ run: id, problem, failures }, 'runs: a step of a run failed');
    if (failures < FAILURES_MAX) return;
    await db.transaction(async (tx) => {
      const run = await lockRun(tx, id);
      if (run === null || (run.state !== 'PREPARING' && run.state !== 'RUNNING')) return;
      await moveRun(tx, run, { to: 'FAILED', event: 'failed', by: null, detail: problem });
    });
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        wakeUp = null;
        woken = false;
        resolve();
      };
      const timer = setTimeout(go, ms);
      wakeUp = go;
      if (woken || stopping.signal.aborted) go();
    });
  }

  return {
    wake() {
      woken = true;
      wakeUp?.();
    },
    async stop() {
      stopping.abort();
      wakeUp?.();
      await working;
    },
  };
}

/** The metrics of runs; every name starts with `conax_runs_`. */
export interface RunMetrics {
  readonly errors: Counter<'part'>;
}

/** Creates the metrics in a registry; call it once per registry. */
export function runMetrics(registry: Registry): RunMetrics {
  return {
    errors: counter(registry, {
      name: 'conax_runs_errors_total',
      help: 'Failures of the runs’ worker, by part (step: of one run; round: of all); each is tried again.',
      labels: { part: ['step', 'round'] },
    }),
  };
}
