import { isDatabaseOutage } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logging.ts';
import type { RunMetrics } from './metrics.ts';
import { startDueSchedules } from './schedule-starts.ts';
import { type StepParts, stepRun } from './step.ts';
import { lockRun, moveRun, openRuns, writeFailure } from './store.ts';

export interface RunWorkerOptions extends StepParts {
  readonly metrics: RunMetrics;
  readonly logger: Logger;
  /** How long a run rests after a step that failed; default a second. */
  readonly restMs?: number;
}

export interface RunWorker {
  /** There may be something to do: a run was created here, or one of its requests is final. */
  wake(): void;
  /** Ends the step that is under way. Safe to call twice. */
  stop(): Promise<void>;
}

/** How soon what nobody announced is found: another instance's or the command line's run, a due schedule. */
const IDLE_MS = 1_000;
/** How soon the final requests of a run under way are seen. */
const BUSY_MS = 100;
const FAILED_MS = 1_000;
/** So many failures in a row are no accident: the run is FAILED, and a person looks. */
const FAILURES_MAX = 5;

/**
 * Works on every open run, one step of each in turn, and starts what schedules say. Every instance has one; a run's row
 * is locked for each step, so they share the runs among them, and another one goes on where one was killed.
 */
export function startRunWorker(options: RunWorkerOptions): RunWorker {
  const { db, logger, metrics, restMs = FAILED_MS } = options;
  const stopping = new AbortController();
  let woken = false;
  let wakeUp: (() => void) | null = null;
  /** When schedules are looked for again. */
  let schedulesAt = 0;
  /** Runs whose last step failed rest until then. */
  const restUntil = new Map<number, number>();
  const working = work();

  async function work(): Promise<void> {
    let troubled = false;
    while (!stopping.signal.aborted) {
      let waitMs = IDLE_MS;
      try {
        waitMs = await round();
        troubled = false;
      } catch (error) {
        metrics.errors.inc({ part: 'round' });
        if (!troubled) logger.warn({ problem: messageOf(error) }, 'runs: the worker failed and tries again');
        troubled = true;
        waitMs = FAILED_MS;
      }
      if (waitMs > 0) await pause(waitMs);
    }
  }

  /** One step of every open run; gives after how many milliseconds the next round is due. */
  async function round(): Promise<number> {
    let started = 0;
    if (performance.now() >= schedulesAt) {
      schedulesAt = performance.now() + IDLE_MS;
      started = await startDueSchedules(db, options.context, logger);
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
