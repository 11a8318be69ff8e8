import { type CrmSubscription, events } from '../../../dev/demo/crm.ts';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import type { Database } from '../../../src/platform/database.ts';
import { countTargets, type RunCounts } from '../../../src/features/runs/counts.ts';
import type { RunState } from '../../../src/features/runs/life-cycle.ts';
import { findRun } from '../../../src/features/runs/store.ts';
import { eventually } from '../../support/scene.ts';
import { create, know as imported } from './support.ts';

/** Makes subscriptions known, each as its next action leaves it. Gives their snapshots. */
export async function know(db: Database, ...subscriptions: readonly CrmSubscription[]): Promise<Subscription[]> {
  const snapshots = subscriptions.map(snapshotNow);
  await imported(db, subscriptions);
  return snapshots;
}

/** The subscription as its next action leaves it. */
export function snapshotNow(subscription: CrmSubscription): Subscription {
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('An action has an event');
  return event.value.subscription;
}

/** Creates a run; gives its id. */
export function beginRun(db: Database, kind: string, selection: unknown, parameters: unknown = {}): Promise<number> {
  return create(db, { kind, parameters, selection });
}

/** Waits until the run is in this state and nothing of it is under way; its counts. */
export function runEnded(
  db: Database,
  run: number,
  state: RunState = 'COMPLETED',
  deadlineMs = 60_000,
): Promise<RunCounts> {
  return eventually(
    async () => {
      const row = await findRun(db, run);
      if (row?.state === 'FAILED') throw new Error(`Run ${run} is FAILED: ${row.failure}`);
      return row?.state === state && (state !== 'STOPPED' || !row.open) ? await countTargets(db, run) : undefined;
    },
    `run ${run} ${state}`,
    deadlineMs,
  );
}
