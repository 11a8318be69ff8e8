import type { ActionEvent } from '../events/action-event.ts';
import type { InstalledItem, Move, Service, Subscription } from '../events/crm.generated.ts';
import { entitlementsOf } from './snapshot.ts';
import type { Entitlements } from './snapshot.ts';
import type { PlanningInput, PlanningRules } from './types.ts';

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
  readonly own: Subscription;
  /** What states, cards and guard are judged by: the own snapshot, or for a late event the newest one. */
  readonly present: Subscription;
  readonly late: boolean;
  /** The newest snapshot of a lower version, null where none is known. */
  readonly previous: Subscription | null;
  readonly ownEntitlements: Entitlements;
  readonly presentEntitlements: Entitlements;
  /** The other subscriptions that hold a card of this one, with what they entitle (R4). */
  readonly others: readonly { readonly number: string; readonly entitlements: Entitlements }[];
  readonly rules: PlanningRules;
}

/** Puts together what the rules look at; for a late event `input.newest` becomes the present (contract: Late). */
export function situationOf(input: PlanningInput): Situation {
  const own = input.event.subscription;
  const present = input.newest ?? own;
  const ownEntitlements = entitlementsOf(own);
  return {
    lists: listsOf(input.event),
    own,
    present,
    late: input.newest !== null,
    previous: input.previous,
    ownEntitlements,
    presentEntitlements: present === own ? ownEntitlements : entitlementsOf(present),
    others: input.others
      .filter((other) => other.number !== own.number)
      .map((other) => ({ number: other.number, entitlements: entitlementsOf(other) })),
    rules: input.rules,
  };
}

/** The service as it is now: in the present snapshot, null where it is gone from there. */
export function presentService(situation: Situation, service: Service): Service | null {
  if (!situation.late) return service;
  return situation.present.services.find((candidate) => candidate.id === service.id) ?? null;
}

/** The services of the own snapshot that a list names, in the list's order; an id that the snapshot lacks is skipped. */
export function servicesNamed(situation: Situation, ids: readonly string[]): Service[] {
  const byId = new Map(situation.own.services.map((service) => [service.id, service]));
  return ids.map((id) => byId.get(id)).filter((service) => service !== undefined);
}

/** The installed items of the own snapshot that a list names, in the list's order; an id that the snapshot lacks is skipped. */
export function itemsNamed(situation: Situation, ids: readonly string[]): InstalledItem[] {
  const byId = new Map(situation.own.installedItems.map((item) => [item.id, item]));
  return ids.map((id) => byId.get(id)).filter((item) => item !== undefined);
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
