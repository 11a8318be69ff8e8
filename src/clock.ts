import type { Dispatcher } from './dispatch/dispatcher.ts';
import { restartRetentionLease } from './features/retention/remove.ts';
import { shiftPasses } from './features/retention/pass.ts';
import { shiftFacetWaits } from './outcomes/actions.ts';
import { restartRelayLease } from './outcomes/relay.ts';
import { CLOCK_STEP_MAX_MS, type ClockMetrics, type ClockWatch, watchClock } from './platform/clock-watch.ts';
import type { Database } from './platform/database.ts';
import type { Logger } from './platform/logging.ts';
import { cutReplayLeases, extendReplayLeases } from './features/replay/record.ts';
import { correctReady } from './requests/clock-jump.ts';
import { resetSchedules } from './features/schedules/store.ts';
import { shiftRunRates } from './features/runs/store.ts';
import { shiftLoginLimits } from './users/login-limit.ts';
import { shiftTokens } from './users/tokens.ts';

/**
 * Watches the database's clock for the whole service: what each module keeps by that clock is corrected when it jumps
 * (docs/decisions/0005-clocks.md lists all of it), in the order in which rows are locked everywhere.
 */
export function startClock(options: {
  readonly db: Database;
  readonly dispatcher: Dispatcher;
  readonly metrics: ClockMetrics;
  readonly logger: Logger;
}): ClockWatch {
  const { db, dispatcher, metrics, logger } = options;
  return watchClock({
    db,
    afterBack: [
      (tx, ms) => dispatcher.clock.shiftWork(tx, ms),
      shiftFacetWaits,
      (tx, ms) => dispatcher.clock.shiftProvider(tx, ms),
      restartRelayLease,
      restartRetentionLease,
      cutReplayLeases,
      shiftRunRates,
      shiftPasses,
      shiftTokens,
      shiftLoginLimits,
      resetSchedules,
    ],
    correctRest: (pool) => correctReady(pool, CLOCK_STEP_MAX_MS),
    afterForward: [
      (tx) => dispatcher.clock.extendLeases(tx),
      restartRelayLease,
      restartRetentionLease,
      extendReplayLeases,
    ],
    metrics,
    logger,
  });
}
