import { type CrmSubscription, events } from '../../dev/demo/crm.ts';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { writeImported } from '../../src/operations/import-write.ts';
import type { Database } from '../../src/platform/database.ts';

/** Makes subscriptions known as an import does, each as it is now: nothing is sent. Gives their snapshots. */
export async function know(db: Database, ...subscriptions: readonly CrmSubscription[]): Promise<Subscription[]> {
  const snapshots = subscriptions.map(snapshotNow);
  await writeImported(
    db,
    snapshots.map((snapshot) => ({ snapshot, pairings: [] })),
  );
  return snapshots;
}

/** The subscription as its next action leaves it. */
export function snapshotNow(subscription: CrmSubscription): Subscription {
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('An action has an event');
  return event.value.subscription;
}
