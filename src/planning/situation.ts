import type { ActionEvent } from '../events/action-event.ts';
import type { InstalledItem, Move, Service, Subscription } from '../events/crm.generated.ts';
import type { PlanningInput, PlanningRules } from './types.ts';
import { snapshotView } from './snapshot-view.ts';
import type { SnapshotView } from './snapshot-view.ts';

/** The lists of an event; empty where its family has no such list. Ids resolve in `Situation.own`. */
export interface EventLists {
  readonly incomingServices: readonly string[];
  readonly outgoingServices: readonly string[];
  readonly incomingItems: readonly string[];
  readonly removedItems: readonly InstalledItem[];
  readonly movedServices: readonly Move[];
  readonly movedItems: readonly Move[];
}

/** One event with everything that its rules use. */
export interface Situation {
  readonly lists: EventLists;
  /** The event's own snapshot: its ids resolve here, and it would have been planned by this in time. */
  readonly own: SnapshotView;
  /** The snapshot that decides states, cards and guard: the own one, or for a late event the newest. */
  readonly present: SnapshotView;
  readonly late: boolean;
  /** The newest snapshot of a lower version; null if none is known. */
  readonly previous: SnapshotView | null;
  /** The items of the own snapshot that the event lists as incoming, in the list's order. */
  readonly incomingItems: readonly InstalledItem[];
  /** The other subscriptions that hold a card of this one (R4). */
  readonly others: readonly SnapshotView[];
  readonly rules: PlanningRules;
}

/** Collects what the rules use; for a late event `input.newest` becomes the present (contract: Late). */
export function situationOf(input: PlanningInput): Situation {
  const { event, newest, previous } = input;
  const own = snapshotView(event.subscription);
  const lists = listsOf(event);
  const items = new Map(event.subscription.installedItems.map((item) => [item.id, item]));
  return {
    lists,
    own,
    present: newest === null ? own : snapshotView(newest),
    late: newest !== null,
    previous: previous === null ? null : snapshotView(previous),
    incomingItems: lists.incomingItems.map((id) => items.get(id)).filter((item) => item !== undefined),
    others: input.others.filter((other) => other.number !== own.number).map(snapshotView),
    rules: input.rules,
  };
}

/** Returns the situation of a snapshot without an event, to find what it entitles (resync). */
export function situationOfSnapshot(subscription: Subscription, rules: PlanningRules): Situation {
  const own = snapshotView(subscription);
  return { lists: NO_LISTS, own, present: own, late: false, previous: null, incomingItems: [], others: [], rules };
}

const NO_LISTS: EventLists = {
  incomingServices: [],
  outgoingServices: [],
  incomingItems: [],
  removedItems: [],
  movedServices: [],
  movedItems: [],
};

/** Returns the service of the present snapshot; null if it is gone. */
export function presentService(situation: Situation, service: Service): Service | null {
  return situation.late ? (situation.present.service(service.id) ?? null) : service;
}

/**
 * Returns the services of the own snapshot that a list names, in the list's order. Skips an id that the snapshot lacks.
 */
export function servicesNamed(situation: Situation, ids: readonly string[]): Service[] {
  return ids.map((id) => situation.own.service(id)).filter((service) => service !== undefined);
}

function listsOf(event: ActionEvent): EventLists {
  return {
    incomingServices: event.family === 'SERVICE' ? event.incomingServices : [],
    outgoingServices: event.family === 'SERVICE' ? event.outgoingServices : [],
    incomingItems: event.family === 'SUBSCRIPTION' ? [] : event.incomingInstalledItems,
    removedItems: event.family === 'SUBSCRIPTION' ? [] : event.removedInstalledItems,
    movedServices: event.family === 'INSTALLED_ITEM' ? [] : event.movedServices,
    movedItems: event.family === 'INSTALLED_ITEM' ? [] : event.movedInstalledItems,
  };
}
