import type { ActionEvent } from '../events/action-event.ts';
import type { InstalledItem, Move, Service, Subscription } from '../events/crm.generated.ts';
import type { PlanningInput, PlanningRules } from './types.ts';
import { viewOf } from './view.ts';
import type { View } from './view.ts';

/** The lists of an event; empty where its family has no such list. Ids resolve in `Situation.own`. */
export interface EventLists {
  readonly incomingServices: readonly string[];
  readonly outgoingServices: readonly string[];
  readonly incomingItems: readonly string[];
  readonly removedItems: readonly InstalledItem[];
  readonly movedServices: readonly Move[];
  readonly movedItems: readonly Move[];
}

/** One event with all that its rules look at. */
export interface Situation {
  readonly lists: EventLists;
  /** The event's own snapshot: what its ids mean, and what it would have planned had it come in time. */
  readonly own: View;
  /** What states, cards and guard are judged by: the own snapshot, or for a late event the newest one. */
  readonly present: View;
  readonly late: boolean;
  /** The newest snapshot of a lower version, null where none is known. */
  readonly previous: View | null;
  /** The items of the own snapshot that the event lists as incoming, in the list's order. */
  readonly incomingItems: readonly InstalledItem[];
  /** The other subscriptions that hold a card of this one (R4). */
  readonly others: readonly View[];
  readonly rules: PlanningRules;
}

/** Puts together what the rules look at; for a late event `input.newest` becomes the present (contract: Late). */
export function situationOf(input: PlanningInput): Situation {
  const { event, newest, previous } = input;
  const own = viewOf(event.subscription);
  const lists = listsOf(event);
  const items = new Map(event.subscription.installedItems.map((item) => [item.id, item]));
  return {
    lists,
    own,
    present: newest === null ? own : viewOf(newest),
    late: newest !== null,
    previous: previous === null ? null : viewOf(previous),
    incomingItems: lists.incomingItems.map((id) => items.get(id)).filter((item) => item !== undefined),
    others: input.others.filter((other) => other.number !== own.number).map(viewOf),
    rules: input.rules,
  };
}

/** A snapshot that no event brought now: what the rules see when it is asked what it entitles (resync). */
export function situationOfSnapshot(subscription: Subscription, rules: PlanningRules): Situation {
  const own = viewOf(subscription);
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

/** The service as it is now: in the present snapshot, null where it is gone from there. */
export function presentService(situation: Situation, service: Service): Service | null {
  return situation.late ? (situation.present.service(service.id) ?? null) : service;
}

/** The services of the own snapshot that a list names, in the list's order; an id that the snapshot lacks is skipped. */
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
