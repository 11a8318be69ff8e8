import type { ActionEvent } from '../events/action-event.ts';
import { createStaysFold, type StaysFold } from '../pairings/stays.ts';
import type { Current, Facts } from './facts.ts';

/** One subscription while a chunk is folded: its state after the messages so far. */
export interface SubscriptionFold extends StaysFold {
  readonly number: string;
  /** The newest applied snapshot; null if there is none yet. */
  readonly current: Current | null;
  /** True if a snapshot of this chunk was applied. */
  readonly changed: boolean;
  /** Returns the snapshots that were current before or came with this chunk, in the order of arrival. */
  snapshots(): readonly Current[];
  /** Returns the ids of the actions of this chunk with the version. */
  actionsAtVersion(version: number): readonly string[];
  /** Notes the version of an event, whatever the decision about it. */
  noteVersion(event: ActionEvent): void;
}

export function createSubscriptionFold(
  number: string,
  facts: Pick<Facts, 'current' | 'stays' | 'pendingPairings'>,
): SubscriptionFold {
  const stays = createStaysFold(facts.stays.get(number) ?? new Map(), facts.pendingPairings.get(number) ?? []);
  let current = facts.current.get(number) ?? null;
  let changed = false;
  const snapshots: Current[] = current === null ? [] : [current];
  const actions = new Map<number, Set<string>>();

  return {
    ...stays,
    number,
    get current() {
      return current;
    },
    get changed() {
      return changed;
    },
    snapshots: () => snapshots,
    actionsAtVersion: (version) => [...(actions.get(version) ?? [])],
    noteVersion(event) {
      const { subscription, action } = event;
      snapshots.push({ version: subscription.version, snapshot: subscription });
      const ids = actions.get(subscription.version) ?? new Set();
      actions.set(subscription.version, ids.add(action.id));
    },
    apply(snapshot, position) {
      current = { version: snapshot.version, snapshot };
      changed = true;
      stays.apply(snapshot, position);
    },
  };
}
