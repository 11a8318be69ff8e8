import { setTimeout as sleep } from 'node:timers/promises';
import { faultPoint } from '../platform/fault-points.ts';
import { settleOverdueActions } from './record.ts';
import { type Relay, type RelayOptions, startRelay } from './relay.ts';

export type OutcomesOptions = RelayOptions;
export type Outcomes = Relay;

const SWEEP_MS = 500;
const SWEEP_ACTIONS = 100;

/**
 * Publishes outcomes and dead letters until it is stopped. After an action's wait for facets it also writes the outcome
 * without those that never came.
 */
export function startOutcomes(options: OutcomesOptions): Outcomes {
  const { database, logger, metrics } = options;
  const relay = startRelay(options);
  const stopping = new AbortController();
  const sweeping = sweep();
  return {
    wake: () => relay.wake(),
    state: () => relay.state(),
    async stop() {
      stopping.abort();
      await sweeping;
      await relay.stop();
    },
  };

  async function sweep(): Promise<void> {
    let failed = false;
    while (!stopping.signal.aborted) {
      let settled = 0;
      try {
        settled = await database.transaction(async (tx) => {
          const overdue = await settleOverdueActions(tx, SWEEP_ACTIONS);
          if (overdue > 0) faultPoint('facets: before commit');
          return overdue;
        });
        if (settled > 0) faultPoint('facets: after commit');
        failed = false;
      } catch (error) {
        if (!failed) logger.warn({ err: error }, 'actions that wait for facets could not be looked through');
        failed = true;
      }
      if (settled > 0) {
        metrics.overdue(settled);
        relay.wake();
      }
      if (settled < SWEEP_ACTIONS) await sleep(SWEEP_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
}
